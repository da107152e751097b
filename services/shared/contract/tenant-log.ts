/**
 * A tenant's log is one JetStream stream that captures its events and its control entries, so that a revoke and the
 * events around it have one order for everybody.
 */
export function logStreamName(tenant: string): string {
  return `EVENTS_${tenant}`;
}

/** The subjects a tenant's log captures. */
export function logSubjects(tenant: string): [events: string, control: string] {
  return [`events.${tenant}.>`, `control.${tenant}.>`];
}

/** The subject of the control entries that announce a change of policy. */
export function policyControlSubject(tenant: string): string {
  return `control.${tenant}.policy`;
}

/** The subject of the control entries that end or change sessions. */
export function sessionControlSubject(tenant: string): string {
  return `control.${tenant}.session`;
}

/** The subject of the control entries that announce the tenant's state. */
export function tenantControlSubject(tenant: string): string {
  return `control.${tenant}.tenant`;
}

/** The subject of the control entries that say which events were erased. */
export function erasedControlSubject(tenant: string): string {
  return `control.${tenant}.erased`;
}

/** The stream metadata that holds the log's epoch. */
export const EPOCH_METADATA = "sluice_epoch";

/** An epoch travels in event ids: 8 to 32 characters that neither a header nor a cookie needs to escape. */
export const EPOCH = /^[A-Za-z0-9_-]{8,32}$/;
