import type { Attributes, Span, Tracer } from "#shared/trace/tracer.ts";
import type { Grant } from "./grant.ts";

/** A question to policy, and what it is asked for. */
interface Asking {
  readonly grant: Grant;
  readonly permission: string;
}

/** Which permission events of a type need. */
interface PermissionsByType {
  permissionFor(type: string): string | undefined;
}

/** Begins the span of a decision that policy is asked for. What the event's producer says of its trace counts. */
export function beginAsking(tracer: Tracer, trace: string | undefined, { grant, permission }: Asking): Span {
  const attributes = { ...describeGrant(grant), "sluice.permission": permission, "sluice.decision.source": "asked" };
  return tracer.begin("decide", { kind: "internal", parent: trace, trust: trustIn(trace), attributes });
}

/** What the span of a decision from memory says of it: by which version, and for whose grant. */
export function describeDecision(decisions: PermissionsByType, grant: Grant, type: string): Attributes {
  const permission = decisions.permissionFor(type);
  return {
    ...describeGrant(grant),
    "sluice.permission": permission,
    "sluice.policy.version": permission === undefined ? undefined : grant.versionOf(permission)?.number,
    "sluice.decision.source": "memory",
  };
}

/** Roles are names that a tenant's policy gives. The grant's id is not told: it may hold what a token says of a person. */
function describeGrant({ roles }: Grant): Attributes {
  return { "sluice.grant.roles": [...roles] };
}

/** Without a trace none begins: nobody has published within one. */
function trustIn(trace: string | undefined): "producer" | "inside" {
  return trace === undefined ? "inside" : "producer";
}
