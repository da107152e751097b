import type { Check, CheckBatchRequest, CheckBatchResponse } from "#proto/policy/v1/decision.ts";
import { isTopic } from "#shared/protocol/topics.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { decideQuestion } from "../decide/decide-question.ts";
import type { Question } from "../document/question-fields.ts";
import { type ClaimedSubject, trustedSubject } from "../decide/trusted-subject.ts";
import { effectiveLimits } from "../limits/tiers.ts";
import { isPermission } from "#shared/protocol/permissions.ts";
import { mapInTurns } from "../work/turns.ts";
import type { DecisionDeps } from "./decision-deps.ts";
import { readTenant, readVersion, requireCount, readSubject } from "./read-request.ts";

/**
 * Answers checks by one version.
 * @throws {AppError} `malformed_request` where any of them cannot be read: none is answered then.
 */
export async function checkBatch(
  { snapshots, metrics: { decisions }, wall, ownIssuer, tiers }: DecisionDeps,
  { tenant, checks, atLeast }: CheckBatchRequest,
): Promise<CheckBatchResponse> {
  requireCount("checks", checks.length);
  const questions = checks.map(readCheck);
  const snapshot = await snapshots.atLeast(readTenant(tenant), readVersion(atLeast));
  const now = wall();
  const allowed = await mapInTurns(questions, ({ subject, question }) =>
    decideQuestion(snapshot, trustedSubject(snapshot, subject, ownIssuer), question, now),
  );
  const allows = allowed.filter(Boolean).length;
  decisions.inc({ outcome: "allow", source: "batch" }, allows);
  decisions.inc({ outcome: "deny", source: "batch" }, allowed.length - allows);
  return { version: snapshot.version, allowed, limits: effectiveLimits(tiers, snapshot.standing?.limits ?? {}) };
}

/**
 * Reads a check.
 * @throws {AppError} `malformed_request`.
 */
export function readCheck({ subject, question, attributes }: Check): {
  readonly subject: ClaimedSubject;
  readonly question: Question;
} {
  if (subject === undefined) throw malformed("a check needs a subject");
  return { subject: readSubject(subject), question: readQuestion(question, attributes) };
}

function readQuestion(question: Check["question"], attributes: Check["attributes"]): Question {
  switch (question?.$case) {
    case "permission":
      if (!isPermission(question.value)) throw malformed("a permission is malformed");
      return { of: "permission", permission: question.value };
    case "topic":
    case "publish":
      if (!isTopic(question.value)) throw malformed("a topic is malformed");
      return { of: question.$case === "topic" ? "event" : "publish", topic: question.value, attributes };
    case "request":
      return { of: "request", ...question.value };
    case undefined:
      throw malformed("a check needs a permission, a topic, publish or a request");
  }
}

function malformed(message: string): AppError {
  return new AppError("malformed_request", message);
}
