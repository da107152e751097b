import { isPaused } from "#shared/contract/subscription-record.ts";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { busyTexts } from "#shared/protocol/busy-reasons.ts";
import { formatEventId } from "#shared/protocol/event-id.ts";
import type { Identity } from "../access/registration.ts";
import type { CommandContext } from "../durable/commands.ts";
import { useDelivery } from "../durable/events.ts";
import { Hold } from "../durable/hold.ts";
import { forgetPositions, lifeOf, skipTo } from "../durable/life.ts";
import type { Callback, SubscriptionRecord } from "../durable/record.ts";
import type { WriterDeps } from "../durable/record-writer.ts";
import { noticeOf } from "../durable/told-losses.ts";
import {
  storable,
  type StoredRecord,
  type SubscriptionKey,
  type SubscriptionStore,
} from "../durable/subscription-store.ts";
import { findStart, type Start } from "../log/resume.ts";
import type { TenantLog } from "../log/tenant-log.ts";
import type { HoldAnswer, HoldCommand, HolderCall } from "./calls/command-hold.ts";
import type { Holds } from "./holds.ts";

/** How often to look again after the record changed in between. */
const MAX_ATTEMPTS = 8;

/** The connection that wants to hold a subscription. */
export interface Attachment {
  readonly key: SubscriptionKey;
  readonly identity: Identity;
  readonly connectionId: string;
  /** The stable id of its tab or device. */
  readonly client: string | undefined;
  /** Whether it takes the place of a holder that lives, whoever that is. */
  readonly takeover: boolean;
  /** The topics that its registration is for. */
  readonly topics: readonly string[];
  /** The callback that it leads to; undefined where it leads to a client. */
  readonly callback: Callback | undefined;
}

/** The edge, as far as attaching uses it. */
export interface AttachDeps extends WriterDeps {
  readonly store: SubscriptionStore;
  readonly holds: Pick<Holds, "attach" | "giveUp">;
  readonly context: () => Omit<CommandContext, "real">;
  /** Asks something of the holder, wherever it is; throws AppError `not_found` where there is no such connection any more. */
  readonly callHolder: (call: HolderCall) => Promise<HoldAnswer>;
}

/** A subscription that was attached. */
export interface Attached {
  readonly hold: Hold;
  /** Whether nobody had been attached for so long that it had expired. */
  readonly wasExpired: boolean;
}

/**
 * Makes a stream the holder of its subscription. The one before is asked to let go, and then knows what it has delivered; where it does
 * not answer, the record is taken over, and its next write fails. Who asks something of the stream waits until its hold is among those of
 * the worker, or is released.
 * @throws {AppError} `not_found`; `unavailable` as `held` while another holder lives; `unavailable`; `subscription_unreadable`.
 */
export async function attachHold(deps: AttachDeps, attachment: Attachment, log: TenantLog): Promise<Attached> {
  deps.holds.attach(attachment.connectionId);
  try {
    return await findAndClaim(deps, attachment, log);
  } catch (error) {
    deps.holds.giveUp(attachment.connectionId);
    throw error;
  }
}

async function findAndClaim(deps: AttachDeps, attachment: Attachment, log: TenantLog): Promise<Attached> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const stored = await deps.store.read(attachment.key);
    if (stored === undefined) throw noSuchSubscription();
    if (!isFor(stored.record, attachment)) throw changesNow();
    if (stored.record.holder !== undefined && stored.record.holder.connectionId !== attachment.connectionId) {
      // A holder that has let go has stored so: the record is read again.
      if ((await removeHolder(deps, attachment, stored.record)) === "released" && attempt < MAX_ATTEMPTS - 1) continue;
      const { last } = await log.history.bounds();
      stored.record.reach = Math.max(stored.record.reach, last);
    }
    const attached = await claim(deps, attachment, stored, log);
    if (attached !== undefined) return attached;
  }
  throw changesNow();
}

/** Where delivery of a subscription begins. */
export interface HoldStart extends Start {
  /** Whether the log is another one than its record is of: no position there means anything. */
  readonly isAnew?: boolean;
}

/** Where delivery begins, and what the client is told before; also what it was told and may not have got. */
export async function startOf({ hold: { record } }: Attached, log: TenantLog): Promise<HoldStart> {
  const { epoch, through } = record;
  // In another log nothing was delivered yet.
  const from = { at: epoch === log.epoch ? "now" : "earliest" } as const;
  const { position, notice } = await findStart(log, formatEventId(epoch, through), from);
  return {
    position,
    notice: noticeOf(record, notice, { epoch: log.epoch, position }),
    isAnew: notice?.event === "reset",
  };
}

/** The refusal where a person has no subscription of that name. */
export function noSuchSubscription(): AppError {
  return new AppError("not_found", "you have no such subscription");
}

/** @throws {AppError} `subscription_has_callback`: it is delivered to that, and to no stream. */
export function requireNoCallback({ definition }: SubscriptionRecord): void {
  if (definition.deliver === undefined) return;
  throw new AppError(
    "subscription_has_callback",
    "this subscription is delivered to its callback; a stream cannot attach",
  );
}

function changesNow(): AppError {
  return new AppError("unavailable", "the subscription changes right now; try again");
}

/** Has the present holder let go, if it may be replaced; answers whether it did, or is gone without a word. */
async function removeHolder(
  { callHolder }: AttachDeps,
  { key, identity, client, takeover }: Attachment,
  { holder }: SubscriptionRecord,
): Promise<"released" | "gone"> {
  if (holder === undefined) return "released";
  const mayReplace = takeover || (client !== undefined && client === holder.client);
  const command: HoldCommand = mayReplace ? { do: "release", why: "replaced" } : { do: "look" };
  const { connectionId } = holder;
  try {
    await callHolder({ kind: "subscription", connectionId, identity, name: key.name, command });
  } catch (error) {
    const { code } = toAppError(error);
    if (code === "not_found" || (code === "unavailable" && mayReplace)) return "gone";
    if (code !== "unavailable") throw error;
  }
  if (mayReplace) return "released";
  throw new AppError("unavailable", busyTexts.held, { busy: "held" });
}

/** Stores the stream as the holder; undefined where somebody else has stored the record in between. */
async function claim(
  deps: AttachDeps,
  { key, connectionId, client }: Attachment,
  { record, write }: StoredRecord,
  log: TenantLog,
): Promise<Attached | undefined> {
  const { now, life } = deps.context();
  const state = lifeOf(record, now, life);
  const isArchived = state === "archived";
  // In a log that has begun anew, it goes on as any other subscription does.
  if (isArchived && record.epoch === log.epoch) skipTo(record, log.epoch, log.horizon);
  else if (isArchived) forgetPositions(record);
  const open = [...record.open.keys()];
  // Time to acknowledge that has run out meanwhile is a delivery used up, unless nothing is delivered now.
  const isDue = (seq: number): boolean => (record.open.get(seq)?.dueAt ?? 0) <= now;
  const [due, others] = [open.filter(isDue), open.filter((seq) => !isDue(seq))];
  const used = isPaused(record.pausedUntil, now) ? [] : due.filter((seq) => useDelivery(record, seq, now));
  // A client that only reconnects has the rest of its time. A callback does not: what its back-off puts off stays put off.
  const again = record.definition.deliver === undefined ? others : [];
  Object.assign(record, { holder: { connectionId, client }, puts: 0, seenAt: now });
  const stored = await deps.store.put(key, storable(record), write);
  const wasExpired = isArchived || state === "expired";
  return stored === undefined
    ? undefined
    : { hold: new Hold(key, { record, write: stored }, deps, { again, used }), wasExpired };
}

/** Whether the connection was made for what the record asks for now. */
function isFor({ definition }: SubscriptionRecord, { topics, callback }: Attachment): boolean {
  const own = Object.keys(definition.topics);
  if (JSON.stringify(definition.deliver) !== JSON.stringify(callback)) return false;
  return own.length === topics.length && own.every((topic) => topics.includes(topic));
}
