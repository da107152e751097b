import { inTurns } from "#shared/async/in-turns.ts";
import type { Delivering } from "#shared/contract/edge-questions.ts";
import type {
  DeadLetterView,
  HeldEventView,
  SubscriptionDetails,
  SubscriptionList,
} from "#shared/contract/subscription-view.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { formatEventId } from "#shared/protocol/event-id.ts";
import type { Edges } from "../edges/edges.ts";
import type { EventLog } from "../events/event-log.ts";
import { type DescribeBy, describeSubscription, timeOf } from "./describe-subscription.ts";
import type { NamedRecord, SubscriptionBook, SubscriptionFilter } from "./subscription-book.ts";

/** So many open events and dead letters are told at once: each is read from the log, for its topic. */
const MAX_HELD_LISTED = 50;

/** So many of them are read at a time. */
const READ_TOGETHER = 10;

/** What looking at durable subscriptions takes. */
export interface LookDeps {
  readonly book: SubscriptionBook;
  readonly edges: Edges;
  readonly logs: EventLog;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
}

/** Names a subscription. */
export interface SubscriptionName {
  readonly tenant: string;
  readonly subject: string;
  readonly name: string;
}

/**
 * A part of a tenant's durable subscriptions, by person and name, as they are stored: a holder may be two seconds ahead.
 * @throws {AppError} `tenant_unknown`, `unavailable`.
 */
export async function listSubscriptions(
  deps: LookDeps,
  tenant: string,
  filter: SubscriptionFilter,
): Promise<SubscriptionList> {
  const [{ by, partial }, { records, next }] = await Promise.all([
    describeBy(deps, tenant),
    deps.book.page(tenant, filter),
  ]);
  const subscriptions = records.map((record) => describeSubscription(record, by));
  return { subscriptions, ...(next !== undefined && { next }), partial };
}

/**
 * One subscription with the events that it has open and dead, from the one behind sequence `after` on.
 * @throws {AppError} `not_found`, `tenant_unknown`, `unavailable`.
 */
export async function findSubscription(
  deps: LookDeps,
  { tenant, subject, name }: SubscriptionName,
  after = -1,
): Promise<SubscriptionDetails> {
  const [{ by, partial }, found] = await Promise.all([describeBy(deps, tenant), deps.book.find(tenant, subject, name)]);
  if (found === undefined) throw new AppError("not_found", `${subject} has no such subscription`);
  return { subscription: describeSubscription(found, by), ...(await heldBy(deps, tenant, found, after)), partial };
}

async function describeBy(
  { edges, logs, wall }: LookDeps,
  tenant: string,
): Promise<{ readonly by: DescribeBy; readonly partial: boolean }> {
  const [log, { answers, partial }] = await Promise.all([
    logs.describe(tenant),
    edges.ask({ ask: "subscriptions", tenant }),
  ]);
  const delivering: Delivering[] = answers.map((answer) => answer.delivering);
  return { by: { now: wall(), log, delivering }, partial: partial || delivering.length === 0 };
}

async function heldBy(
  { logs }: LookDeps,
  tenant: string,
  { record }: NamedRecord,
  after: number,
): Promise<Pick<SubscriptionDetails, "open" | "dead" | "next">> {
  if (record === undefined) return { open: [], dead: [] };
  const { epoch } = await logs.describe(tenant);
  const view = async (seq: number, tag: string, deliveries: number): Promise<HeldEventView> => {
    const message = epoch === record.epoch ? await logs.read(tenant, seq) : undefined;
    const isIt = message?.tag === tag;
    return {
      id: formatEventId(record.epoch, { seq, tag }),
      deliveries,
      topic: isIt ? message.subject.slice(`events.${tenant}.`.length) : null,
      at: isIt ? timeOf(message.storedAt) : null,
    };
  };
  const letters = record.dead.filter(([seq]) => seq > after).toSorted(([one], [other]) => one - other);
  const page = letters.slice(0, MAX_HELD_LISTED);
  const opened = record.open.toSorted(([one], [other]) => one - other).slice(0, MAX_HELD_LISTED);
  const dead = await inTurns(page, READ_TOGETHER, async ([seq, tag, deliveries, reason]): Promise<DeadLetterView> => ({
    ...(await view(seq, tag, deliveries)),
    reason,
  }));
  const open = await inTurns(opened, READ_TOGETHER, async ([seq, tag, deliveries, dueAt]) => ({
    ...(await view(seq, tag, deliveries)),
    dueAt: timeOf(dueAt),
  }));
  const last = dead.at(-1);
  return { open, dead, ...(letters.length > page.length && last !== undefined && { next: last.id }) };
}
