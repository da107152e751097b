import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { parseJson } from "#shared/json/parse-json.ts";
import { type Frame, openEventStream } from "../shared/event-stream.ts";
import { openPerson, type PersonOptions } from "../shared/person.ts";
import { Refusal, urlOfService } from "../shared/service-calls.ts";
import { dataOf, type PrintedEvent } from "./print-event.ts";

/** What to follow at the edge, and as whom. */
export interface EdgeTail {
  readonly topics: readonly string[];
  readonly from: string | undefined;
  readonly person: PersonOptions;
  readonly signal: AbortSignal;
  /** Gets a line about each frame of the edge's own and each reconnect. */
  readonly tell: (line: string) => void;
}

/** Between the end of a stream and the next where the stream does not say. */
const RETRY_MS = 2_000;

const envelopeSchema = z.looseObject({
  id: z.string(),
  time: z.string(),
  type: z.string(),
  subject: z.string().optional(),
  data: z.unknown().optional(),
  data_base64: z.string().optional(),
});
const byeSchema = z.object({ retryMs: z.number() });

/** What one stream leaves to the next. */
interface Progress {
  lastEventId: string | undefined;
  retryMs: number;
  isOpen: boolean;
}

/**
 * Gives the events that a person may see, as they come, for as long as nobody stops it. A stream that ends is opened again
 * behind its last event, by another login.
 * @throws {ScriptError} where the first stream cannot be opened, or a later one is refused for good.
 */
export async function* tailEdge(tail: EdgeTail, env: NodeJS.ProcessEnv): AsyncGenerator<PrintedEvent> {
  const progress: Progress = { lastEventId: undefined, retryMs: RETRY_MS, isOpen: false };
  for (;;) {
    try {
      yield* oneStream(tail, progress, env);
    } catch (error) {
      if (tail.signal.aborted) return;
      if (!progress.isOpen || isFinal(error)) throw error;
      tail.tell((error as Error).message);
    }
    tail.tell(`again in ${progress.retryMs} ms`);
    await delay(progress.retryMs, undefined, { signal: tail.signal }).catch(() => undefined);
    if (tail.signal.aborted) return;
  }
}

/** Whether the same question would be refused again. */
function isFinal(error: unknown): boolean {
  return error instanceof Refusal && error.status < 500 && error.status !== 429;
}

async function* oneStream(tail: EdgeTail, progress: Progress, env: NodeJS.ProcessEnv): AsyncGenerator<PrintedEvent> {
  const { topics, from, signal, tell } = tail;
  await using person = await openPerson(tail.person, env);
  const { lastEventId } = progress;
  const question = { base: urlOfService("stream", env), token: person.token, topics, from, lastEventId, signal };
  const frames = await openEventStream({ ...question, format: "cloudevents" });
  progress.isOpen = true;
  for await (const frame of frames) {
    if (frame.id !== undefined) progress.lastEventId = frame.id;
    if (frame.event === undefined) yield eventOf(frame);
    else if (frame.event !== "cursor") tell(`${frame.event}: ${frame.data}`);
    const bye = byeSchema.safeParse(parseJson(frame.data));
    if (frame.event === "bye" && bye.success) progress.retryMs = bye.data.retryMs;
  }
}

function eventOf({ id = "", data: text }: Frame): PrintedEvent {
  const envelope = envelopeSchema.safeParse(parseJson(text));
  if (!envelope.success) return { id, time: "-", topic: "-", data: dataOf(text) };
  const { time, type, subject, data, data_base64 } = envelope.data;
  const decoded = data_base64 === undefined ? data : Buffer.from(data_base64, "base64").toString();
  return { id, time, topic: subject ?? type, data: decoded ?? "" };
}
