import { noTracer } from "#shared/trace/tracer.ts";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { CallContext } from "#shared/async/call-context.ts";
import { RetryBudget } from "#shared/async/retry-budget.ts";
import { TRANSPORTS } from "#shared/protocol/transports.ts";
import { eventTypeOf } from "#shared/protocol/topics.ts";
import { waitFor } from "#test/support/wait.ts";
import { CLAIMS_OF_KIM } from "./claims.ts";
import { FakePolicy } from "./fake-policy.ts";
import { silentObserver } from "./silent-observer.ts";
import { createAdmission } from "./admission.ts";
import { memorySubscriptions } from "./memory-subscriptions.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { invalidateSessions } from "../../services/stream/access/apply-control.ts";
import { ClientStreams } from "../../services/stream/connections/client-streams.ts";
import { Hub } from "../../services/stream/connections/hub.ts";
import type { LookAfterDeps } from "../../services/stream/connections/keep-alive.ts";
import { Tenant, type TenantDeps } from "../../services/stream/connections/tenant.ts";
import type { History } from "../../services/stream/log/tenant-log.ts";
import { guardClock } from "../../services/stream/access/clock-guard.ts";
import { shareTopicLists } from "../../services/stream/access/share-topic-lists.ts";
import type { Decider, SessionAnswer, SessionChecker, SessionQuestion } from "../../services/stream/access/ports.ts";
import { deliver, distrustDecisions, resetLog } from "../../services/stream/deliver.ts";
import { type ControlEntry, type EventEntry, holeOf, type LogEntry, type Poison } from "../../services/stream/event.ts";
import { TailBudget } from "../../services/stream/log/tail.ts";
import type { StreamRequest } from "../../services/stream/connections/stream-request.ts";
import { type Edge, openStream } from "../../services/stream/open-stream.ts";
import { OverloadGuard } from "../../services/stream/overload/overload-guard.ts";
import type { Load } from "../../services/stream/overload/overload-steps.ts";
import { heartbeatOf } from "../../services/stream/frames/encode-frame.ts";
import { plainBody } from "../../services/stream/sse/body-coding.ts";
import { SocketConnection } from "../../services/stream/sse/socket-connection.ts";
import type { TopicStore } from "../../services/stream/subscription/topic-store.ts";
import { TransportHealth } from "../../services/stream/transports/transport-health.ts";
import { Transports } from "../../services/stream/transports/transports.ts";
import { Turns } from "../../services/stream/turns/turns.ts";
import { RetryDelays } from "../../services/stream/sse/retry-delay.ts";

/** A session that lives another minute. */
export const LIVE = { state: "live", remainingMs: 60_000, isFinal: false } as const satisfies SessionAnswer;

const CLAIMS = { ...CLAIMS_OF_KIM, sub: "alice", sid: "session-1" };

const HOUR_MS = 3_600_000;

/** Frames as they are, without a head before them. */
const PLAIN_SSE = { coding: plainBody, head: Buffer.alloc(0), heartbeat: heartbeatOf({ framing: "sse" }) };

export type EdgeRig = ReturnType<typeof createRig>;

/**
 * An edge with one tenant. The test controls its log, auth, policy and clocks; sockets are real. The wall clock is
 * `wallAhead` before auth's, which agrees with the monotonic one.
 */
export function createRig({
  wallAhead = 0,
  flushMs = 0,
  places = 10,
  history = NO_HISTORY,
  observer = silentObserver(),
  turns = endlessTurn(),
  topicStore = undefined as TopicStore | undefined,
} = {}) {
  const stack = new AsyncDisposableStack();
  let connections = 0;
  const { clock, now, wall, checkClock } = createClocks(wallAhead, () =>
    invalidateSessions([...hub.registered()], edge),
  );
  const [policy, auth, withdrawn] = [new FakePolicy(), new FakeAuth(), new Set<string>()];
  const { tenant, poison } = createTenant(policy, history, { now, wall, checkClock, flushMs, turns, observer });
  const entry = () => ({ version: policy.version, build: `b${policy.version}` });
  const hub = stack.use(new Hub(async () => ({ tenant, [Symbol.asyncDispose]: async () => tenant[Symbol.dispose]() })));
  const retryDelays = new RetryDelays({ now });
  const transportHealth = new TransportHealth({ now, observer });
  const load: { now: Load } = { now: { loopDelayMs: 0, memory: 0, descriptors: 0 } };
  const edge: Edge & LookAfterDeps = {
    sessions: auth,
    retries: new RetryBudget(),
    now,
    checkClock,
    authTime: { now: () => clock.now },
    admission: createAdmission(places),
    nameOf: (id) => id,
    overload: new OverloadGuard({ readLoad: () => load.now, now, observer }),
    retryDelays,
    transportHealth,
    transports: new Transports(TRANSPORTS, transportHealth),
    lifetimes: { idleMs: HOUR_MS, idleEndMs: 2 * HOUR_MS, maxAgeMs: 24 * HOUR_MS },
    hub,
    subscriptions: memorySubscriptions(now, async () => {
      throw new AppError("not_found", "there is no other edge");
    }),
    newConnectionId: () => `w-${(connections += 1)}`,
    handshakeMs: 300,
    isWithdrawn: (kid) => withdrawn.has(kid),
    shareTopics: shareTopicLists(),
    topicStore,
    clientStreams: new ClientStreams(retryDelays),
    announceTopics: () => {},
    ...UNLIMITED_WITHOUT_ROUTES,
    observer,
  };
  resetLog(tenant, { epoch: "first-epoch", horizon: { seq: 1, tag: "t1" }, policy: entry(), relation: "first" }, edge);
  const add = (make: (position: { seq: number; tag: string }) => LogEntry, seq = tenant.log.horizon.seq + 1): void => {
    if (!deliver(tenant, make({ seq, tag: `t${seq}` }), edge)) throw new Error("earlier events are not written yet");
  };
  const rig = {
    clock,
    load,
    edge,
    entry,
    poison,
    policy,
    tenant,
    withdrawn,
    auth,
    holdSession: () => auth.hold(),
    request: (change: Partial<StreamRequest> = {}): StreamRequest => ({
      id: "request-1",
      traceparent: undefined,
      signal: new AbortController().signal,
      lastEventId: undefined,
      address: undefined,
      client: { address: "192.0.2.7", userAgent: "test/1" },
      transport: "sse",
      framing: "sse",
      takeQuery: () => new URLSearchParams("topic=order.>"),
      findToken: () => async () => CLAIMS,
      isGone: () => false,
      accept: () => {
        throw new Error("this stream should not have been accepted");
      },
      ...change,
    }),
    event: (text: string, seq?: number, topic?: string) => add((position) => eventOf(position, text, topic), seq),
    /** An event that no reader of CloudEvents can be shown: its time is invalid. */
    brokenEvent: () => add((position) => ({ ...eventOf(position, "broken"), storedAt: Number.NaN })),
    /** Holes of these lengths, with an event behind each but the last. */
    holes: (...lengths: readonly number[]) => {
      distrustDecisions(tenant, entry(), edge);
      for (const [index, length] of lengths.entries()) {
        const { seq } = tenant.log.horizon;
        deliver(tenant, holeOf(seq + 1, seq + length), edge);
        if (index < lengths.length - 1) add((position) => eventOf(position, `behind ${length}`));
      }
    },
    control: (change: ControlEntry["change"]) => add((position) => controlOf(position, change)),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
    async open(query = "topic=order.>", lastEventId?: string, claims: Partial<typeof CLAIMS> = {}) {
      const { server, client } = await socketPair(stack);
      const connection = new SocketConnection(server, PLAIN_SSE);
      const findToken = () => async () => ({ ...CLAIMS, ...claims });
      const takeQuery = () => new URLSearchParams(query);
      await openStream(edge, rig.request({ takeQuery, lastEventId, findToken, accept: () => connection }));
      const reading = readFrames(client);
      await reading.frame("ready");
      let markers = 0;
      return {
        ...reading,
        connection,
        /** The client reads no more. */
        stopReading: () => client.pause(),
        readOn: () => client.resume(),
        /** Resolves once all that the edge has written so far is there: a marker was written behind it. */
        async allWritten() {
          const marker = `marker${(markers += 1)}`;
          connection.write(Buffer.from(`event: ${marker}\ndata:\n\n`));
          await reading.frame(marker);
        },
      };
    },
  };
  return rig;
}

/** One turn for everything: a clock that stands still never ends it. */
function endlessTurn(): Turns {
  return new Turns({ now: () => 0, checkClock: () => {} });
}

type RigDeps = Pick<TenantDeps, "now" | "wall" | "checkClock" | "flushMs" | "turns" | "observer">;

function createTenant(decider: Decider, history: History, deps: RigDeps) {
  const poison: Poison[] = [];
  const observer = { ...deps.observer, quarantined: (each: Poison) => void poison.push(each) };
  const tailBudget = new TailBudget(1e7);
  const tenantDeps = { decider, tailBudget, leastFlushMs: () => 0, ...deps, observer };
  return { poison, tenant: new Tenant("acme", history, tenantDeps) };
}

const UNLIMITED_WITHOUT_ROUTES: Pick<Edge, "limitHistory" | "mapResource" | "presence" | "tracer"> = {
  tracer: noTracer,
  limitHistory: (_, read) => read(() => {}),
  mapResource: async () => [],
  presence: { prepare: async () => {}, attend: () => undefined },
};

/** Clocks that the test sets, with the edge's own guard. */
function createClocks(wallAhead: number, onJump: () => void) {
  const clock = { now: 1_000, wallAhead };
  const wall = (): number => clock.now + clock.wallAhead;
  const now = (): number => clock.now;
  return { clock, now, wall, checkClock: guardClock({ monotonic: now, wall }, onJump) };
}

/** A control entry. */
export function controlOf(position: { seq: number; tag: string }, change: ControlEntry["change"]): ControlEntry {
  return { kind: "control", position, storedAt: 0, change };
}

/** An event that readers of `order.>` ask for, or one of another topic. */
export function eventOf(position: { seq: number; tag: string }, text: string, topic = "order.created.1"): EventEntry {
  return {
    kind: "event",
    position,
    topic,
    type: eventTypeOf(topic),
    payload: Buffer.from(text),
    storedAt: 0,
    attributes: {},
    frames: new Map(),
  };
}

/** Holds nothing. */
export const NO_HISTORY: History = {
  after: async () => [],
  bounds: async () => ({ first: 1, last: 1, goneBy: "retention" }),
  tagOf: async () => undefined,
  quietAfter: async () => undefined,
  positionBefore: async () => ({ seq: 0, tag: "0" }),
};

async function socketPair(stack: AsyncDisposableStack): Promise<{ server: Socket; client: Socket }> {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const accepted = once(listener, "connection") as Promise<[Socket]>;
  const client = connect((listener.address() as { port: number }).port, "127.0.0.1").on("error", () => {});
  const [server] = await accepted;
  stack.defer(() => {
    client.destroy();
    server.destroy();
    listener.close();
  });
  return { server, client };
}

function readFrames(client: Socket) {
  let raw = "";
  client.setEncoding("utf8").on("data", (chunk: string) => (raw += chunk));
  const ended = new Promise<void>((resolve) => client.once("close", () => resolve()));
  return {
    raw: () => raw,
    /** Resolves once the edge has ended the stream: nothing comes behind that. */
    ended: () => ended,
    leave: () => client.destroy(),
    events: () => [...raw.matchAll(/(?<!event: \w+\n)id: \S+\ndata: (.*)\n\n/g)].map(([, data]) => data),
    frame: (event: string) => waitFor(`frame ${event} in ${raw}`, () => raw.includes(`event: ${event}\n`)),
  };
}

class FakeAuth implements SessionChecker {
  readonly #gates: { readonly asked: () => void; readonly answer: Promise<SessionAnswer> }[] = [];

  /** What auth was asked so far. */
  readonly asked: SessionQuestion[] = [];
  /** The requests that it was asked for. */
  readonly askedFor: (CallContext | undefined)[] = [];
  /** What it answers where no question is held. */
  answer: SessionAnswer = LIVE;

  async check(question: SessionQuestion, context?: CallContext): Promise<SessionAnswer> {
    this.asked.push(question);
    this.askedFor.push(context);
    const gate = this.#gates.shift();
    gate?.asked();
    return gate === undefined ? this.answer : gate.answer;
  }

  hold(): { readonly asked: Promise<void>; readonly answer: (answer: SessionAnswer) => void } {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<SessionAnswer>();
    this.#gates.push({ asked: asked.resolve, answer: answer.promise });
    return { asked: asked.promise, answer: answer.resolve };
  }
}
