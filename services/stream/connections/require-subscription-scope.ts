import type { CallContext } from "#shared/async/call-context.ts";
import { formatScope } from "#shared/protocol/scope.ts";
import { type Identity, Registration } from "../access/registration.ts";
import { type HandshakeDeps, requireValid, verifyInTime } from "../access/verify.ts";
import type { SubscriptionRecord } from "../durable/record.ts";
import type { Hub } from "./hub.ts";
import { requireWholeScope } from "./require-whole-scope.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** The edge, as far as it compares scopes with subscriptions. */
export interface ScopeDeps extends HandshakeDeps {
  readonly hub: Hub;
  readonly subscriptions: Pick<Subscriptions, "holds" | "store">;
}

/**
 * Refuses calls about a durable subscription by a token that may not open it: whoever acknowledges, pauses or deletes it takes from its
 * person what the token may not see. The same for its callback's events goes by the scope that it was made with. A subscription that
 * is not there is refused by whoever looks for it next.
 * @throws {AppError} `forbidden`; the refusal of the session; `unavailable`.
 */
export async function requireSubscriptionScope(
  deps: ScopeDeps,
  { identity, name }: { readonly identity: Identity; readonly name: string },
  context: CallContext,
): Promise<void> {
  const { tenant: id, subject } = identity;
  if (subject.scope === undefined) return;
  const key = { tenant: id, subject: subject.id, name };
  const { hold } = deps.subscriptions.holds.find(key) ?? {};
  const record = hold?.record ?? (await deps.subscriptions.store.read(key))?.record;
  if (record === undefined || record.definition.deliver?.scope === formatScope(subject.scope)) return;
  const topics = topicsOf(record);
  const open = hold && deps.hub.tenant(id);
  if (open !== undefined) return requireWholeScope({ subject, topics }, open);
  const registration = new Registration(identity, topics, context.requestId ?? "");
  const tenant = await deps.hub.register(registration);
  try {
    await verifyInTime(registration, tenant, deps, context);
    requireValid(registration, deps);
    requireWholeScope(registration, tenant);
  } finally {
    registration.end("revoked");
    deps.hub.unregister(tenant, registration);
  }
}

function topicsOf({ definition }: SubscriptionRecord): string[] {
  return Object.keys(definition.topics).toSorted();
}
