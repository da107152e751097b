import type { CallLimits } from "../admission/call-limits.ts";
import type { Hub } from "../connections/hub.ts";

/** The edge, as far as the calls of people are counted. */
interface CountingEdge {
  readonly callLimits: Pick<CallLimits, "admitSubject">;
  readonly edge: { readonly hub: Pick<Hub, "tenant"> };
}

/**
 * Counts a call of a person, under their tenant's own limit where it has one.
 * @throws {AppError} `too_many_requests`.
 */
export function admitPerson({ callLimits, edge }: CountingEdge, tenant: string, subject: string): void {
  callLimits.admitSubject(tenant, subject, edge.hub.tenant(tenant)?.decisions.limits.callsPerSubjectPerMinute);
}
