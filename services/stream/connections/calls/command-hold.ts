import { AppError } from "#shared/errors/app-error.ts";
import type { Identity } from "../../access/registration.ts";
import { acknowledgementOf, type SubscriptionCommand } from "../../durable/commands.ts";
import { unsureIds } from "../../durable/events.ts";
import { encodeRecord, type SubscriptionRecord } from "../../durable/record.ts";
import type { FindReal } from "../../durable/subscription-store.ts";
import { bye } from "../end-stream.ts";
import type { Holds } from "../holds.ts";
import type { Reader } from "../reader.ts";

/** Asks something of a durable subscription, where its holder is. */
export interface SubscriptionCall {
  readonly kind: "subscription";
  readonly name: string;
  readonly command: HoldCommand;
}

/** A command, or that the subscription be let go: its stream ends for this reason. */
export type HoldCommand = SubscriptionCommand | { readonly do: "release"; readonly why: "replaced" | "changed" };

/** The record, as text, once the command is carried out and stored; `moved` where it is another holder's by now. */
export type HoldAnswer = { readonly record: string } | { readonly moved: true };

/** The same, as it goes to the connection that is the holder. */
export type HolderCall = SubscriptionCall & { readonly connectionId: string; readonly identity: Identity };

/** The answer about a subscription among the answers of all kinds of calls. */
export function holdAnswerOf(answer: object): HoldAnswer {
  if ("record" in answer || "moved" in answer) return answer as HoldAnswer;
  throw new AppError("internal", "another call was answered");
}

/** The edge, as far as it carries out commands for its holds. */
export interface HoldDeps {
  readonly holds: Pick<Holds, "release" | "attached">;
  readonly findReal: FindReal;
  /** How long the client of a stream waits that another one has replaced, in milliseconds. */
  readonly replacedMs: () => number;
}

/**
 * Carries out a command for the subscription that a stream delivers.
 * @throws {AppError} `not_found` where the stream delivers no subscription of that name; what the command throws; `unavailable`.
 */
export async function commandHold(
  reader: Reader,
  { name, command }: SubscriptionCall,
  deps: HoldDeps,
): Promise<HoldAnswer> {
  const { durable: hold } = reader;
  if (hold?.key.name !== name) throw new AppError("not_found", "this stream does not deliver the subscription");
  if (command.do === "release") {
    const { why } = command;
    reader.end(bye(why, why === "replaced" ? deps.replacedMs() : reader.retryMs));
    await deps.holds.release(hold);
    return { record: encodeRecord(hold.record) };
  }
  const real = await findUnsure(hold.key.tenant, hold.record, command, false, deps.findReal);
  const record = await hold.apply(command, real);
  return record === "moved" ? { moved: true } : { record: encodeRecord(record) };
}

/** Which ids behind the record's position are of events that a holder which is gone may have delivered. */
export async function findUnsure(
  tenant: string,
  record: SubscriptionRecord,
  command: SubscriptionCommand,
  isOrphaned: boolean,
  findReal: FindReal,
): Promise<ReadonlySet<number>> {
  const unsure = unsureIds(record, acknowledgementOf(command), isOrphaned);
  if (unsure.length === 0) return new Set();
  return findReal(tenant, new Map(unsure.map(({ position: { seq, tag } }) => [seq, tag])));
}
