import type {
  DecideRequest,
  DecideResponse,
  DecisionServiceServer,
  DecisionServiceService,
  ResolveRequest,
  ResolveResponse,
} from "#proto/policy/v1/decision.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { MethodCallers } from "#shared/grpc/check-caller.ts";
import { unaryHandler } from "#shared/grpc/start-server.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import { decodeGrant } from "../decide/grant.ts";
import { type Residual, residualOf } from "../decide/residual.ts";
import { resolveSubject } from "../decide/resolve-subject.ts";
import { trustedSubject } from "../decide/trusted-subject.ts";
import { effectiveLimits } from "../limits/tiers.ts";
import { isPermission } from "#shared/protocol/permissions.ts";
import { checkBatch } from "./check-batch.ts";
import { mapInTurns } from "../work/turns.ts";
import type { DecisionDeps, DecisionMetrics } from "./decision-deps.ts";
import { encodeEachOnce, encodeResidual } from "./encode-residual.ts";
import { explainCheck } from "./explain-check.ts";
import { mapResources } from "./map-resources.ts";
import { readTenant, readVersion, requireCount, readSubject } from "./read-request.ts";

const MAX_RESIDUALS = 65_536;

/** The clients that may call each method, over mutual TLS. */
export const decisionCallers: MethodCallers<keyof DecisionServiceService> = {
  resolve: ["stream.sluice", "auth.sluice"],
  decide: ["stream.sluice", "auth.sluice"],
  checkBatch: ["gateway.sluice", "publish.sluice"],
  explain: ["gateway.sluice"],
  mapResources: ["stream.sluice"],
};

/** Answers the edge's questions in batches, from a snapshot that is at least as new as the edge asks for. */
export function createDecisionService(deps: DecisionDeps, log: LimitedLog): DecisionServiceServer {
  return {
    resolve: unaryHandler(log, (request) => resolve(deps, request)),
    decide: unaryHandler(log, (request) => decideAll(deps, request)),
    checkBatch: unaryHandler(log, (request) => checkBatch(deps, request)),
    explain: unaryHandler(log, (request) => explainCheck(deps, request)),
    mapResources: unaryHandler(log, (request) => mapResources(deps, request)),
  };
}

async function resolve(
  { snapshots, metrics, wall, tiers, ownIssuer }: DecisionDeps,
  { tenant, subjects, atLeast }: ResolveRequest,
): Promise<ResolveResponse> {
  requireCount("subjects", subjects.length);
  const snapshot = await snapshots.atLeast(readTenant(tenant), readVersion(atLeast));
  const now = wall();
  const grants = await mapInTurns(subjects, (subject) => {
    const { id, roles, remainingMs } = resolveSubject(
      snapshot,
      trustedSubject(snapshot, readSubject(subject), ownIssuer),
      now,
    );
    return { id, roles: [...roles], remainingMs };
  });
  metrics.resolves.inc(grants.length);
  const limits = effectiveLimits(tiers, snapshot.standing?.limits ?? {});
  return { version: snapshot.version, grants, eventMap: [...snapshot.document.events], limits };
}

async function decideAll(
  { snapshots, metrics }: DecisionDeps,
  { tenant, grants, permissions, atLeast, eachOnce }: DecideRequest,
): Promise<DecideResponse> {
  requireCount("grants", grants.length);
  requireCount("permissions", permissions.length);
  if (grants.length * permissions.length > MAX_RESIDUALS) {
    throw new AppError("malformed_request", `grants times permissions may be at most ${MAX_RESIDUALS}`);
  }
  if (!permissions.every(isPermission)) throw new AppError("malformed_request", "a permission is malformed");
  const snapshot = await snapshots.atLeast(readTenant(tenant), readVersion(atLeast));
  const decoded = await mapInTurns(grants, (id) => decodeGrant(snapshot, id));
  const asked = decoded.flatMap((grant) => permissions.map((permission) => ({ grant, permission })));
  const residuals = await mapInTurns(asked, ({ grant, permission }) => residualOf(snapshot, grant, permission));
  countEffects(metrics, residuals);
  const { version } = snapshot;
  if (eachOnce === true) return { version, ...encodeEachOnce(residuals) };
  return { version, residuals: await mapInTurns(residuals, encodeResidual), places: [] };
}

function countEffects(metrics: DecisionMetrics, residuals: readonly Residual[]): void {
  const counts = { allow: 0, deny: 0, conditional: 0 };
  for (const residual of residuals) counts[effectOf(residual)] += 1;
  for (const [outcome, count] of Object.entries(counts)) metrics.decisions.inc({ outcome, source: "edge" }, count);
}

function effectOf({ allow, deny, allowWhen, denyWhen }: Residual): "allow" | "deny" | "conditional" {
  if (allow.length + allowWhen.length === 0) return "deny";
  return allow[0] === ">" && deny.length + denyWhen.length === 0 ? "allow" : "conditional";
}
