import { z } from "zod";
import { definitionSchema, isPaused, positionSchema } from "#shared/contract/subscription-record.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { type EventId, parseEventId } from "#shared/protocol/event-id.ts";
import {
  acknowledge,
  type Acknowledgement,
  type DeadChoice,
  dropDead,
  openOf,
  readIds,
  refuse,
  reviveDead,
} from "./events.ts";
import { lifeOf, type LifeTimes, skipTo } from "./life.ts";
import { type Definition, NOBODY, type SubscriptionRecord, wishOf } from "./record.ts";
import { openBehindLoss, settleLoss } from "./told-losses.ts";

const idsSchema = z.array(z.string().max(128)).max(10_000);

/** Changes what the owner asked for. */
const defineSchema = z.strictObject({
  do: z.literal("define"),
  definition: definitionSchema.omit({ topics: true }),
  topics: z.array(z.string()).min(1),
  /** The log now: topics that are added count from here on. */
  at: z.strictObject({ epoch: z.string(), position: positionSchema }),
  /** The only revision that may be replaced. */
  expected: z.int().optional(),
});

/** Each command that an owner may give to a subscription that is there, as it goes from edge to edge; safe to repeat. */
export const commandSchema = z.discriminatedUnion("do", [
  z.strictObject({ do: z.literal("acknowledge"), ids: idsSchema, upTo: z.string().max(128).optional() }),
  z.strictObject({ do: z.literal("refuse"), ids: idsSchema, delayMs: z.int().min(0) }),
  defineSchema,
  z.strictObject({ do: z.literal("pause"), until: z.union([z.int(), z.literal("resumed")]) }),
  z.strictObject({ do: z.literal("resume") }),
  z.strictObject({ do: z.enum(["redeliver", "drop"]), dead: z.union([z.literal("all"), idsSchema]) }),
  // Changes nothing.
  z.strictObject({ do: z.literal("look") }),
]);

/** A command for a subscription. */
export type SubscriptionCommand = z.infer<typeof commandSchema>;

/** The command that changes what the owner asked for. */
export type DefineCommand = z.infer<typeof defineSchema>;

/** When a command is carried out, and what was found out for it before. */
export interface CommandContext {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly life: LifeTimes;
  /** The unsure ids of an acknowledgement whose messages the log has, by sequence. */
  readonly real?: ReadonlySet<number>;
}

/**
 * Carries out a command on a record.
 * @throws {AppError} `version_conflict` where another revision was expected.
 */
export function applyCommand(record: SubscriptionRecord, command: SubscriptionCommand, context: CommandContext): void {
  const { now, real } = context;
  switch (command.do) {
    case "acknowledge":
      return takeAcknowledgement(record, acknowledgementOf(command), real);
    case "refuse":
      return takeRefusal(record, readIds(command.ids), command.delayMs, now);
    case "define":
      return define(record, command, context);
    case "pause":
      return pause(record, command.until, now);
    case "resume":
      return pause(record, undefined, now);
    case "redeliver":
      return reviveDead(record, deadOf(command.dead), now);
    case "drop":
      return void dropDead(record, deadOf(command.dead));
    case "look":
      return;
  }
}

/**
 * Carries out a command on a record whose holder is not there. It may live all the same, and be cut off for a moment: where the subscription
 * is another one now, nothing may be stored by a holder that passes over what is asked for now. Throws as `applyCommand` does.
 */
export function applyWithoutHolder(
  record: SubscriptionRecord,
  command: SubscriptionCommand,
  context: CommandContext,
): void {
  const wish = wishOf(record);
  applyCommand(record, command, context);
  if (record.holder !== undefined && wishOf(record) !== wish) record.holder = NOBODY;
}

/** What a command acknowledges; nothing, where it is another one. */
export function acknowledgementOf(command: SubscriptionCommand): Acknowledgement {
  if (command.do !== "acknowledge") return { ids: [], upTo: undefined };
  return { ids: readIds(command.ids), upTo: parseEventId(command.upTo ?? "") };
}

function takeAcknowledgement(
  record: SubscriptionRecord,
  acknowledgement: Acknowledgement,
  real: CommandContext["real"],
): void {
  const behind = openBehindLoss(record);
  acknowledge(record, acknowledgement, real);
  if (behind.some((seq) => !record.open.has(seq))) settleLoss(record);
}

function takeRefusal(record: SubscriptionRecord, ids: readonly EventId[], delayMs: number, now: number): void {
  const refused = ids.filter(({ epoch }) => epoch === record.epoch).map(({ position }) => position);
  const behind = new Set(openBehindLoss(record));
  if (openOf(record, refused).some((seq) => behind.has(seq))) settleLoss(record);
  refuse(record, ids, delayMs, now);
}

function deadOf(dead: "all" | readonly string[]): DeadChoice {
  return dead === "all" ? dead : readIds(dead);
}

function pause(record: SubscriptionRecord, until: SubscriptionRecord["pausedUntil"], now: number): void {
  if (record.pausedUntil === until || (until === undefined && !isPaused(record.pausedUntil, now))) return;
  record.pausedUntil = until;
  record.revision += 1;
}

/** Also brings a subscription back to life that had expired: its owner is there. */
function define(record: SubscriptionRecord, command: DefineCommand, { now, life }: CommandContext): void {
  if (command.expected !== undefined && command.expected !== record.revision) throw otherRevision(record.revision);
  if (lifeOf(record, now, life) === "archived") skipTo(record, command.at.epoch, command.at.position);
  record.seenAt = now;
  const definition = { ...command.definition, topics: topicsFrom(record.definition, command) };
  if (JSON.stringify(sorted(definition)) === JSON.stringify(sorted(record.definition))) return;
  if (JSON.stringify(definition.deliver) !== JSON.stringify(record.definition.deliver)) record.failure = undefined;
  record.definition = definition;
  record.revision += 1;
}

/** The topics, each from where it counts: one that was there keeps its place. */
function topicsFrom({ topics: before }: Definition, { topics, at }: DefineCommand): Definition["topics"] {
  return Object.fromEntries(topics.map((pattern) => [pattern, before[pattern] ?? at.position.seq]));
}

function sorted(definition: Definition): unknown[] {
  const { topics, window, ackWaitMs, backoffMs, maxDeliver, ttlSeconds, deliver } = definition;
  return [
    Object.entries(topics).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    window,
    ackWaitMs,
    backoffMs,
    maxDeliver,
    ttlSeconds,
    deliver,
  ];
}

/** The refusal of a change to another revision than the present one; without one there is no such subscription. */
export function otherRevision(revision: number | undefined): AppError {
  const present = revision === undefined ? "there is no such subscription" : `its revision is ${revision}`;
  return new AppError("version_conflict", `the subscription is not as the request says: ${present}`);
}
