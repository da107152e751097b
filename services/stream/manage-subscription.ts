import { inTurns } from "#shared/async/in-turns.ts";
import type { CallContext } from "#shared/async/call-context.ts";
import type { OperatorCommand } from "#shared/contract/edge-questions.ts";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { formatScope } from "#shared/protocol/scope.ts";
import { type Identity, Registration } from "./access/registration.ts";
import { type HandshakeDeps, requireValid, verifyInTime } from "./access/verify.ts";
import { commandHold, findUnsure, type HoldAnswer, type HoldCommand } from "./connections/calls/command-hold.ts";
import { noSuchSubscription } from "./connections/attach-hold.ts";
import type { Hub } from "./connections/hub.ts";
import type { Subscriptions } from "./connections/subscriptions.ts";
import { applyWithoutHolder, type DefineCommand, otherRevision, type SubscriptionCommand } from "./durable/commands.ts";
import { type Callback, createRecord, encodeRecord, parseRecord, type SubscriptionRecord } from "./durable/record.ts";
import { storable, type StoredRecord, type SubscriptionKey } from "./durable/subscription-store.ts";
import { findStart, type From, hasHorizon } from "./log/resume.ts";
import type { Observer } from "./observe/observer.ts";

/** How often to begin again after the record changed in between. */
const MAX_ATTEMPTS = 16;

/** So many records of a list are read at a time. */
const READ_TOGETHER = 32;

/** The edge, as far as the way of a subscription uses it. */
export interface SubscriptionDeps extends HandshakeDeps {
  readonly hub: Hub;
  readonly observer: Observer;
  readonly subscriptions: Subscriptions;
}

/** A person who asks, by a verified token, and their name for the subscription. */
export interface Owned {
  readonly identity: Identity;
  readonly name: string;
}

/** Names the subscription by its owner. */
export function subscriptionKey({ identity, name }: Owned): SubscriptionKey {
  return { tenant: identity.tenant, subject: identity.subject.id, name };
}

/** What a subscription is to be. */
export interface Wish extends Pick<DefineCommand, "definition"> {
  readonly topics: readonly string[];
  /** Where it begins, if it is made. */
  readonly from: From;
  /** The only revision that may be replaced; `any`: there must be one; `new`: there may be none. */
  readonly expected: number | "any" | "new" | undefined;
}

/**
 * THE WAY OF A SUBSCRIPTION, from a person's request about a durable one to what is stored.
 *
 *     verify the caller, parse (http/) → read the record → held? ask its holder : carry out → store
 *
 * The holder carries out what its record is asked for, wherever the request comes in; without one whoever has the request does. Both do
 * the same, by `applyCommand`. Answers the record once it is stored. Safe to repeat.
 * @throws {AppError} `not_found` where the person has no such subscription; `version_conflict`; `unavailable`; `subscription_unreadable`.
 */
export async function commandSubscription(
  deps: SubscriptionDeps,
  owned: Owned,
  command: SubscriptionCommand,
): Promise<SubscriptionRecord> {
  const key = subscriptionKey(owned);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const here = deps.subscriptions.holds.find(key);
    const answer =
      here === undefined
        ? await commandStored(deps, owned, command)
        : await commandHold(here.reader, { kind: "subscription", name: owned.name, command }, deps.subscriptions).catch(
            asMoved,
          );
    const record = answer === undefined ? undefined : recordIn(answer);
    if (record === undefined) continue;
    if (command.do === "pause" || command.do === "resume") deps.observer.subscriptionChanged(`${command.do}d`, key);
    return record;
  }
  throw new AppError("unavailable", "the subscription changes right now; try again");
}

/**
 * Makes a subscription, or changes what it is. Its person must be allowed to see one of the topics. Answers the record, and whether it
 * was made. What a callback is sent is limited as the caller's token is.
 * @throws {AppError} `no_topic_granted`, `limit_exceeded`, `callback_refused`, and what `commandSubscription` throws.
 */
export async function defineSubscription(
  deps: SubscriptionDeps,
  owned: Owned,
  { definition: wished, topics, from, expected }: Wish,
  context: CallContext,
): Promise<{ readonly record: SubscriptionRecord; readonly isNew: boolean }> {
  const definition = { ...wished, ...(await checkDeliver(deps, owned.identity, wished.deliver)) };
  const { begin, end } = await requireVisible(deps, owned.identity, { topics, from }, context);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const stored = await deps.subscriptions.store.read(subscriptionKey(owned));
    if (stored !== undefined && expected === "new") throw otherRevision(stored.record.revision);
    if (stored === undefined && expected !== undefined && expected !== "new") throw otherRevision(undefined);
    if (stored === undefined) {
      const record = await makeSubscription(deps, owned, { definition, topics }, begin);
      if (record === undefined) continue;
      deps.observer.subscriptionChanged("made", subscriptionKey(owned));
      return { record, isNew: true };
    }
    const command = {
      do: "define" as const,
      definition,
      topics: [...topics],
      at: end,
      expected: numberOf(expected),
    } satisfies SubscriptionCommand;
    const record = await commandSubscription(deps, owned, command);
    if (record.revision !== stored.record.revision)
      deps.observer.subscriptionChanged("changed", subscriptionKey(owned));
    return { record, isNew: false };
  }
  throw new AppError("unavailable", "the subscription changes right now; try again");
}

/**
 * Deletes a subscription, if it is the one that is meant; its stream ends.
 * @throws {AppError} as `commandSubscription`.
 */
export async function deleteSubscription(
  deps: SubscriptionDeps,
  owned: Owned,
  isMeant: (record: SubscriptionRecord) => boolean = () => true,
): Promise<void> {
  const key = subscriptionKey(owned);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const stored = await deps.subscriptions.store.read(key);
    if (stored === undefined || !isMeant(stored.record)) throw noSuchSubscription();
    const isHeld = (await askHolder(deps, owned, stored.record, { do: "release", why: "changed" })) !== undefined;
    if (isHeld && attempt < MAX_ATTEMPTS - 1) continue;
    if (!(await deps.subscriptions.store.remove(key, stored.write))) continue;
    return deps.observer.subscriptionChanged("deleted", key);
  }
  throw new AppError("unavailable", "the subscription changes right now; try again");
}

/**
 * Carries out what an operator asks of a person's subscription, who may be away. Policy has asked who they are and what they may do.
 * Throws what `commandSubscription` throws.
 */
export async function commandForOperator(
  deps: SubscriptionDeps,
  owned: Owned,
  command: OperatorCommand,
): Promise<{ readonly record: string | null }> {
  if (command.do === "delete") {
    await deleteSubscription(deps, owned);
    return { record: null };
  }
  return { record: encodeRecord(await commandSubscription(deps, owned, command)) };
}

/** The person's subscriptions by name, as they are stored: a holder may be up to two seconds ahead. */
export async function listSubscriptions(
  { subscriptions: { store } }: SubscriptionDeps,
  { tenant, subject }: Identity,
): Promise<(readonly [string, SubscriptionRecord])[]> {
  const names = await store.names({ tenant, subject: subject.id });
  const read = async (name: string) => {
    const stored = await store.read({ tenant, subject: subject.id, name }).catch(asMissing);
    return stored === undefined ? [] : [[name, stored.record] as const];
  };
  return (await inTurns(names, READ_TOGETHER, read)).flat();
}

/** Carries out a command for a record whose holder is not in this process; undefined where to begin again. */
async function commandStored(
  deps: SubscriptionDeps,
  owned: Owned,
  command: SubscriptionCommand,
): Promise<HoldAnswer | undefined> {
  const stored = await deps.subscriptions.store.read(subscriptionKey(owned));
  if (stored === undefined) throw noSuchSubscription();
  const answer = await askHolder(deps, owned, stored.record, command);
  return answer ?? commandWithoutHolder(deps, owned, stored, command);
}

async function commandWithoutHolder(
  { subscriptions: { store, context, findReal } }: SubscriptionDeps,
  owned: Owned,
  { record, write }: StoredRecord,
  command: SubscriptionCommand,
): Promise<HoldAnswer | undefined> {
  const key = subscriptionKey(owned);
  const before = encodeRecord(record);
  const real = await findUnsure(key.tenant, record, command, record.holder !== undefined, findReal);
  applyWithoutHolder(record, command, { ...context(), real });
  const after = storable(record);
  if (after.text === before) return { record: before };
  return (await store.put(key, after, write)) === undefined ? undefined : { record: after.text };
}

/** Asks the holder that a record names; undefined where there is none, or it is not there any more. */
async function askHolder(
  { subscriptions: { callHolder } }: SubscriptionDeps,
  { identity, name }: Owned,
  { holder }: SubscriptionRecord,
  command: HoldCommand,
): Promise<HoldAnswer | undefined> {
  if (holder === undefined) return undefined;
  const { connectionId } = holder;
  try {
    return await callHolder({ kind: "subscription", connectionId, identity, name, command });
  } catch (error) {
    if (toAppError(error).code === "not_found") return undefined;
    throw error;
  }
}

/**
 * The callback, where one is wished for and may be had. Nobody can be asked about a person of an outside issuer who is not there.
 * @throws {AppError} `callback_refused`, `unavailable`.
 */
async function checkDeliver(
  { subscriptions }: SubscriptionDeps,
  { tenant, subject, isOutside }: Identity,
  deliver: Callback | undefined,
): Promise<{ readonly deliver?: Callback }> {
  if (deliver === undefined) return {};
  if (isOutside) {
    throw new AppError(
      "callback_refused",
      "a person of an outside issuer has no callback: nobody knows their rights later",
    );
  }
  await subscriptions.checkCallback({ tenant, subject: subject.id, url: deliver.url, secretRef: deliver.secretRef });
  return { deliver: { ...deliver, ...(subject.scope && { scope: formatScope(subject.scope) }) } };
}

/** Asks auth and policy, as for a stream, and finds where in the log a new subscription of these topics begins, and where the log ends. */
async function requireVisible(
  deps: SubscriptionDeps,
  identity: Identity,
  { topics, from }: Pick<Wish, "topics" | "from">,
  context: CallContext,
): Promise<Record<"begin" | "end", DefineCommand["at"]>> {
  const registration = new Registration(identity, topics, context.requestId ?? "");
  const tenant = await deps.hub.register(registration);
  try {
    await verifyInTime(registration, tenant, deps, context);
    requireValid(registration, deps);
    if (registration.topicGrants.every(({ granted }) => !granted)) {
      throw new AppError("no_topic_granted", "you may not see any of these topics");
    }
    // A position of what the log has lost would lose all that comes until the feed notices.
    if (!(await hasHorizon(tenant.log))) throw new AppError("unavailable", "the log is read anew right now; try again");
    const { epoch, horizon } = tenant.log;
    const { position } = await findStart(tenant.log, undefined, from);
    return { begin: { epoch, position }, end: { epoch, position: horizon } };
  } finally {
    registration.end("revoked");
    deps.hub.unregister(tenant, registration);
  }
}

/** Stores a new record; undefined where there is one meanwhile. */
async function makeSubscription(
  { subscriptions: { store, context, most } }: SubscriptionDeps,
  owned: Owned,
  { definition, topics }: Pick<Wish, "definition" | "topics">,
  at: DefineCommand["at"],
): Promise<SubscriptionRecord | undefined> {
  const key = subscriptionKey(owned);
  const [names, ofTenant] = await Promise.all([store.names(key), store.count(key.tenant)]);
  if (names.filter((name) => name !== key.name).length >= most.perSubject) {
    throw new AppError("limit_exceeded", `you may have ${most.perSubject} subscriptions; delete one`);
  }
  if (ofTenant >= most.perTenant)
    throw new AppError("limit_exceeded", "this tenant has as many subscriptions as it may");
  const from = Object.fromEntries(topics.map((topic) => [topic, at.position.seq]));
  const record = createRecord({ ...definition, topics: from }, at, context().now);
  return (await store.put(key, storable(record), undefined)) === undefined ? undefined : record;
}

function numberOf(expected: Wish["expected"]): number | undefined {
  return typeof expected === "number" ? expected : undefined;
}

/** The record of an answer; undefined where the record has moved to another holder. */
function recordIn(answer: HoldAnswer): SubscriptionRecord | undefined {
  const value = "record" in answer ? parseRecord(answer.record) : undefined;
  return value?.is === "record" ? value.record : undefined;
}

/** A stream of this process that has just ended holds nothing any more. */
function asMoved(error: unknown): HoldAnswer {
  if (toAppError(error).code === "not_found") return { moved: true };
  throw error;
}

/** One record that cannot be read does not hide the others. */
function asMissing(error: unknown): undefined {
  if (toAppError(error).code === "subscription_unreadable") return undefined;
  throw error;
}
