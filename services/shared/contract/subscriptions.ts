import { subjectKey } from "./subject-key.ts";

/** The bucket of the durable subscriptions' records, which policy makes and the edges write. Read it through its leader. */
const SUBSCRIPTIONS_BUCKET = "sluice_subs";

/** The stream behind the bucket. */
export const SUBSCRIPTIONS_STREAM = `KV_${SUBSCRIPTIONS_BUCKET}`;

/** All records together. */
export const ALL_SUBSCRIPTIONS = `$KV.${SUBSCRIPTIONS_BUCKET}.>`;

/** The subject of a person's record of that name; `*` for the name stands for all of them. */
export function subscriptionSubject(tenant: string, subject: string, name: string): string {
  return `$KV.${SUBSCRIPTIONS_BUCKET}.${subjectKey(tenant, subject)}.${name}`;
}

/** The subject of all records of a tenant. */
export function tenantSubscriptions(tenant: string): string {
  return `$KV.${SUBSCRIPTIONS_BUCKET}.${tenant}.*.*`;
}
