import { type MsgHdrs, type NatsConnection, RequestError } from "@nats-io/transport-node";
import { z } from "zod";
import { parseJson } from "#shared/json/parse-json.ts";

/** Codes of JetStream's errors, which the library does not name. */
const CODES = {
  batchesDisabled: 10_174,
  batchIncomplete: 10_176,
  repeatedNow: 10_158,
  rollupRefused: 10_111,
  headerNotInBatches: 10_177,
  repeatedInBatch: 10_201,
  tooLarge: 10_054,
} as const;

/** Why a batch is refused by a log that takes none. */
const NO_BATCHES: readonly number[] = [CODES.batchesDisabled, CODES.headerNotInBatches];

/** Why it is not known yet what becomes of a message: its batch came in part, or the same message is just being stored. */
const UNDECIDED: readonly number[] = [CODES.batchIncomplete, CODES.repeatedNow];

const ackSchema = z.object({
  stream: z.string().default(""),
  duplicate: z.boolean().default(false),
  /** Of a batch. */
  count: z.int().optional(),
  error: z.object({ err_code: z.int().default(0), description: z.string().default("") }).optional(),
});

/** What JetStream says to a message that is to be stored. */
export type LogAnswer =
  | { readonly kind: "stored"; readonly stream: string; readonly isDuplicate: boolean; readonly count: number }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "too-large" }
  /** Batches are not taken here. Nothing of it is stored. */
  | { readonly kind: "no-batch"; readonly reason: string }
  /** The batch holds a message that the log has. Nothing of it is stored. */
  | { readonly kind: "repeated"; readonly reason: string }
  /** The log has not the message of the question (`asQuestion`). */
  | { readonly kind: "absent"; readonly reason: string }
  /** It may be stored, or not. */
  | { readonly kind: "unanswered"; readonly cause: unknown };

/** A message for a log. */
export interface SentMessage {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: MsgHdrs;
}

/**
 * Makes a message the question whether the log has it: that is looked up before JetStream refuses the header, whose value is none, in
 * every log. So it is answered `stored` as a duplicate or `absent`, and never stored.
 */
export function asQuestion({ subject, headers }: Omit<SentMessage, "payload">): SentMessage {
  headers.set("Nats-Rollup", "none");
  return { subject, payload: new Uint8Array(), headers };
}

/** Sends a message to a log and waits for what it says. */
export async function askLog(
  nats: NatsConnection,
  { subject, payload, headers }: SentMessage,
  timeoutMs: number,
): Promise<LogAnswer> {
  try {
    const reply = await nats.request(subject, payload, { headers, timeout: timeoutMs });
    return readAnswer(parseJson(reply.string()));
  } catch (error) {
    if (isNoResponders(error)) return { kind: "refused", reason: "the tenant has no log that takes events" };
    return { kind: "unanswered", cause: error };
  }
}

function readAnswer(value: unknown): LogAnswer {
  const { success, data } = ackSchema.safeParse(value);
  if (!success) return { kind: "unanswered", cause: new Error("the log's answer cannot be read") };
  const { stream, duplicate: isDuplicate, count = 1, error } = data;
  if (error === undefined) return { kind: "stored", stream, isDuplicate, count };
  const { err_code: code, description: reason } = error;
  if (NO_BATCHES.includes(code)) return { kind: "no-batch", reason };
  if (code === CODES.repeatedInBatch) return { kind: "repeated", reason };
  if (code === CODES.rollupRefused) return { kind: "absent", reason };
  if (UNDECIDED.includes(code)) return { kind: "unanswered", cause: new Error(reason) };
  return code === CODES.tooLarge ? { kind: "too-large" } : { kind: "refused", reason };
}

function isNoResponders(error: unknown): boolean {
  return error instanceof RequestError && error.isNoResponders();
}
