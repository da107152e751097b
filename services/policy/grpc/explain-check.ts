import type { ExplainRequest, ExplainResponse } from "#proto/policy/v1/decision.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { winnerOf } from "../decide/consider-rules.ts";
import { explain } from "../decide/explain.ts";
import { trustedSubject } from "../decide/trusted-subject.ts";
import { readCheck } from "./check-batch.ts";
import type { DecisionDeps } from "./decision-deps.ts";
import { readTenant, readVersion } from "./read-request.ts";

/** Answers one check with every rule that was considered. */
export async function explainCheck(
  { snapshots, wall, ownIssuer }: Pick<DecisionDeps, "snapshots" | "wall" | "ownIssuer">,
  { tenant, check, atLeast }: ExplainRequest,
): Promise<ExplainResponse> {
  if (check === undefined) throw new AppError("malformed_request", "there is no check to explain");
  const { subject, question } = readCheck(check);
  const snapshot = await snapshots.atLeast(readTenant(tenant), readVersion(atLeast));
  const trusted = trustedSubject(snapshot, subject, ownIssuer);
  const { allow, permission, topic, because, considered } = explain(snapshot, trusted, question, wall());
  const rules = considered.map((rule) => ({ ...rule, via: [...rule.via] }));
  return {
    version: snapshot.version,
    allow,
    permission: permission ?? "",
    topic: topic ?? "",
    because,
    rule: winnerOf(rules),
    considered: rules,
  };
}
