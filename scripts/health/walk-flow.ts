import { randomUUID } from "node:crypto";
import { z } from "zod";
import { type Frame, openEventStream } from "../shared/event-stream.ts";
import { type PersonOptions, openPerson } from "../shared/person.ts";
import { publishCall } from "../shared/publish-call.ts";
import { ScriptError } from "../shared/run-script.ts";
import { callService, urlOfService } from "../shared/service-calls.ts";
import type { Part } from "./service-health.ts";

/** A topic that the demo's policies know and that nothing else publishes. */
export const DEMO_TOPIC = "ping.event.sluice-health";

/** A step of an event's way, and how it went. */
export interface FlowStep {
  readonly step: string;
  readonly ms: number;
  readonly found: string;
  /** Undefined where the step went well; else the part that was asked. */
  readonly failedAt?: Part;
}

/** What is published, where, and by whom. */
export interface Probe {
  readonly topic: string;
  readonly person: PersonOptions;
  readonly stepMs: number;
}

/** What a stream says when nothing will come through it as it stands. */
const BAD_FRAMES = new Set(["auth_error", "bye", "degraded", "reset"] as (string | undefined)[]);

const readySchema = z.object({ subject: z.string(), tenant: z.string() });

/**
 * Goes an event's way step by step, from a login to its frame on a stream. A step that failed is the last: who reads on gets
 * its error.
 */
export async function* walkFlow({ topic, person, stepMs }: Probe, env: NodeJS.ProcessEnv): AsyncGenerator<FlowStep> {
  await using stack = new AsyncDisposableStack();
  const over = new AbortController();
  stack.defer(() => over.abort());
  const step = <Result>(name: string, part: Part, work: () => Promise<Outcome<Result>>) =>
    timed(name, part, () => within(stepMs, work()));

  const { token } = yield* step("log in", "auth", async () => {
    const result = stack.use(await openPerson(person, env));
    return { result, found: `at ${urlOfService("auth", env)}` };
  });
  const frames = yield* step("open a stream", "stream", async () => {
    const base = urlOfService("stream", env);
    const opened = await openEventStream({ base, token, topics: [topic], signal: over.signal });
    return { result: opened[Symbol.asyncIterator](), found: `at ${base}` };
  });
  yield* step("see it ready", "stream", () => untilReady(frames, topic));
  const probe = randomUUID();
  yield* step("publish an event", "publish", async () => {
    const base = urlOfService("publish", env);
    const call = publishCall(topic, { id: probe, data: { probe } }, token);
    await callService("publish", base, { ...call, signal: over.signal });
    return { result: undefined, found: `at ${base}` };
  });
  yield* step("see it on the stream", "stream", () => untilEvent(frames, probe));
}

interface Outcome<Result> {
  readonly result: Result;
  readonly found: string;
}

/** Gives the step with its time, and answers its result. */
async function* timed<Result>(
  step: string,
  failedAt: Part,
  work: () => Promise<Outcome<Result>>,
): AsyncGenerator<FlowStep, Result> {
  const start = performance.now();
  const elapsed = (): number => Math.round(performance.now() - start);
  try {
    const { result, found } = await work();
    yield { step, ms: elapsed(), found };
    return result;
  } catch (error) {
    yield { step, ms: elapsed(), found: (error as Error).message, failedAt };
    throw error;
  }
}

async function untilReady(frames: AsyncIterator<Frame>, topic: string): Promise<Outcome<undefined>> {
  const frame = await nextFrame(frames);
  if (frame.event !== "ready") throw new ScriptError(`the stream began with ${frame.event}: ${frame.data}`);
  const { subject, tenant } = readySchema.parse(JSON.parse(frame.data));
  return { result: undefined, found: `as ${subject} of ${tenant}, listening to ${topic}` };
}

async function untilEvent(frames: AsyncIterator<Frame>, probe: string): Promise<Outcome<undefined>> {
  for (;;) {
    const { event, id, data } = await nextFrame(frames);
    if (event === undefined && data.includes(probe)) return { result: undefined, found: `as ${id}` };
    if (BAD_FRAMES.has(event)) throw new ScriptError(`the stream said ${event}: ${data}`);
  }
}

async function nextFrame(frames: AsyncIterator<Frame>): Promise<Frame> {
  const { done, value } = await frames.next();
  if (done === true) throw new ScriptError("the stream ended");
  return value;
}

async function within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new ScriptError(`nothing in ${ms} ms`)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
