import type { ControlData } from "#shared/protocol/control-frames.ts";
import { inTurns } from "#shared/async/in-turns.ts";
import { poll } from "#shared/async/poll.ts";
import { endGrant } from "../access/apply-control.ts";
import { bye, rightOver } from "./end-stream.ts";
import { factsOf, reportBeginning } from "./record-stream.ts";
import type { Hub, Stream } from "./hub.ts";
import type { Reader } from "./reader.ts";
import type { Wait } from "./reader-state.ts";
import type { AuthTime } from "#shared/tokens/auth-time.ts";
import type { Registration } from "../access/registration.ts";
import type { Observer } from "../observe/observer.ts";
import { StreamCensus } from "./stream-census.ts";
import { TransportSwitches } from "./transport-switches.ts";
import { verifySession, type VerifyDeps } from "../access/verify.ts";
import { isIdle, type Lifetimes, lifeOver, mayBeShed } from "./lifetimes.ts";
import type { OverloadGuard } from "../overload/overload-guard.ts";
import type { RetryDelays } from "../sse/retry-delay.ts";

const TICK_MS = 1_000;

/** To look after ten thousand streams takes 24 ms: so many are a turn of half a millisecond. */
const STREAMS_PER_TURN = 200;

/** A client may rely on a frame or heartbeat in every such time. */
export const HEARTBEAT_PROMISE_MS = 15_000;

/** The tick may come a second late. */
const HEARTBEAT_MS = HEARTBEAT_PROMISE_MS - 2_000;

/** A reader that is held this long is sent `degraded`. */
const DEGRADED_AFTER_MS = 5_000;

/** A socket that takes nothing for this long is given up; the client resumes where it was. */
const STALL_MS = 10_000;

/** Auth is asked for more time when this much is left, at most; spread, so that streams opened together ask apart. */
const RENEW_BEFORE_MS = { min: 30_000, max: 60_000 };

/** The share of its streams that an overloaded edge ends each second, at most: they come back, and must not all at once. */
const SHED_SHARE = 0.01;

/** A stream's state between two rounds. */
interface Watch {
  /** From 0 to 1, so that streams that opened together do not end together. */
  readonly spread: number;
  nextHeartbeatAt: number;
  readonly renewBeforeMs: number;
  progress: number;
  progressAt: number;
  /** Whose end the client knows, and that end. */
  registration: Registration | undefined;
  deadline: number | undefined;
  /** What its client was told that delivery waits for; undefined while it was told of nothing. */
  degraded: ControlData["degraded"]["reason"] | undefined;
}

/** The edge, as far as keep-alive uses it. */
export interface KeepAliveDeps extends VerifyDeps {
  readonly authTime: Pick<AuthTime, "now">;
}

/** The edge, as far as it looks after its streams. */
export interface LookAfterDeps extends KeepAliveDeps {
  readonly lifetimes: Lifetimes;
  readonly overload: Pick<OverloadGuard, "isShedding">;
  readonly retryDelays: Pick<RetryDelays, "forRefused">;
  readonly observer: Pick<Observer, "fault" | "idle" | "began" | "counted">;
}

/**
 * Looks after every reader once a second: keeps it alive and its client's cursor fresh, ends it at its deadline, asks auth
 * for more time before that and policy for another grant when its own has ended, sends `degraded` when delivery is held, gives
 * up sockets that take nothing, and ends streams that are old, idle, or idle on an overloaded edge.
 */
export function startKeepAlive(hub: Hub, deps: LookAfterDeps): Disposable {
  return poll(TICK_MS, createKeepAlive(hub, deps));
}

/** One round over all readers, in turns; `startKeepAlive` makes one a second. */
export function createKeepAlive(hub: Hub, deps: LookAfterDeps): () => Promise<void> {
  const watches = new WeakMap<Reader, Watch>();
  const looking = { ...deps, switches: new TransportSwitches(deps.observer) };
  return async () => {
    let idle = 0;
    const census = new StreamCensus();
    let toShed = deps.overload.isShedding ? Math.ceil(hub.size * SHED_SHARE) : 0;
    await inTurns([...hub.streams()], STREAMS_PER_TURN, (stream) => {
      deps.checkClock();
      const now = deps.now();
      const { reader } = stream;
      const watch = watches.get(reader) ?? createWatch(now);
      watches.set(reader, watch);
      if (reader.ended) return cutRest(reader, now);
      lookAfter(stream, watch, now, looking);
      if (reader.ended) return;
      census.count(stream, now);
      if (isIdle(reader, now, deps.lifetimes)) idle += 1;
      if (toShed === 0 || !mayBeShed(reader, now)) return;
      toShed -= 1;
      reader.end(bye("overload", deps.retryDelays.forRefused("", "time")));
    });
    deps.observer.idle(idle);
    deps.observer.counted(census);
  };
}

function createWatch(now: number): Watch {
  const { min, max } = RENEW_BEFORE_MS;
  return {
    spread: Math.random(),
    // The first heartbeat comes at a random time: streams that opened together are not written to together.
    nextHeartbeatAt: now + Math.random() * HEARTBEAT_MS,
    renewBeforeMs: min + Math.random() * (max - min),
    progress: 0,
    progressAt: now,
    registration: undefined,
    deadline: undefined,
    degraded: undefined,
  };
}

function lookAfter(
  stream: Stream,
  watch: Watch,
  now: number,
  deps: LookAfterDeps & { readonly switches: TransportSwitches },
): void {
  const { reader } = stream;
  const { registration } = reader;
  // A reader that waits for its socket or its history does not check its right.
  const over = rightOver(registration, now);
  if (over !== undefined) return reader.revoke(over);
  if (isStalled(reader, watch, now)) return reader.end(bye("slow", reader.retryMs));
  const outlived = lifeOver(reader, now, watch.spread, deps.lifetimes);
  if (outlived !== undefined) return reader.end(bye(outlived, reader.retryMs));
  if (deps.switches.endStream(stream)) return reader.end(bye("transport", reader.retryMs));
  if (now >= registration.grantEndsAt) endGrant({ tenant: stream.tenant, registration }, deps);
  announceDeadline(reader, watch, deps);
  if (registration.wantsMoreTime(now, watch.renewBeforeMs)) {
    renew(stream, watch, deps).catch((error: unknown) => deps.observer.fault(error, factsOf(reader)));
  }
  if (!reader.record.hasBegun && now - reader.openedAt > DEGRADED_AFTER_MS)
    reportBeginning(stream.tenant, reader, deps.observer);
  sendDegraded(stream, watch, now);
  if (now < watch.nextHeartbeatAt) return;
  watch.nextHeartbeatAt = now + HEARTBEAT_MS;
  reader.keepAlive();
}

/** Drops what an ended stream has written and its client has not taken, where its right is over by now. */
function cutRest(reader: Reader, now: number): void {
  const over = rightOver(reader.registration, now);
  if (over !== undefined) reader.revoke(over);
}

function isStalled({ connection }: Reader, watch: Watch, now: number): boolean {
  if (!connection.behind || connection.progress !== watch.progress) {
    watch.progress = connection.progress;
    watch.progressAt = now;
  }
  return now - watch.progressAt > STALL_MS;
}

async function renew({ tenant, reader }: Stream, watch: Watch, deps: KeepAliveDeps): Promise<void> {
  const { registration } = reader;
  await verifySession(registration, tenant, deps, { extend: true });
  // A rebind has replaced the registration meanwhile: the answer counts no more.
  if (registration !== reader.registration || reader.ended) return;
  if (registration.ended !== undefined) return reader.revoke(registration.ended);
  announceDeadline(reader, watch, deps);
}

/**
 * Sends the session's end where it is later than the client knows, whatever auth was asked for: rights that were invalidated are asked
 * for together with more time. An opening and a rebind send it themselves.
 */
function announceDeadline({ registration, frames }: Reader, watch: Watch, deps: KeepAliveDeps): void {
  const { deadline } = registration;
  if (watch.registration !== registration) [watch.registration, watch.deadline] = [registration, deadline];
  if (deadline === undefined || deadline <= (watch.deadline ?? -Infinity)) return;
  watch.deadline = deadline;
  frames.send("session", { expiresAt: expiryOf(deadline, deps) });
}

/**
 * When a registration ends by auth's clock, as it is sent to clients. While it is invalidated, the end announced last counts,
 * or else the token's own.
 */
export function expiresAt({ announcedDeadline, identity }: Registration, deps: KeepAliveDeps): string {
  if (announcedDeadline === undefined) return new Date(identity.tokenExpiresAt * 1_000).toISOString();
  return expiryOf(announcedDeadline, deps);
}

function expiryOf(deadline: number, { now, authTime }: KeepAliveDeps): string {
  return new Date(authTime.now() + deadline - now()).toISOString();
}

function sendDegraded({ tenant, reader }: Stream, watch: Watch, now: number): void {
  const { wait } = reader;
  const silentFor = now - tenant.log.aliveAt;
  const reason = silentFor > DEGRADED_AFTER_MS ? tenant.log.silentBy : heldBy(wait, now);
  const sent = watch.degraded;
  if ((reason === undefined) === (sent === undefined)) return;
  watch.degraded = reason;
  if (reason !== undefined) reader.frames.send("degraded", { reason });
  else if (sent !== undefined) reader.frames.send("recovered", { reason: sent });
}

/** What delivery is held by, where that is not the client itself. A change of topics waits for their rights. */
function heldBy(wait: Wait | undefined, now: number): Watch["degraded"] {
  if (wait === undefined || wait.for === "socket" || wait.for === "window") return undefined;
  if (now - wait.since <= DEGRADED_AFTER_MS) return undefined;
  return wait.for === "topics" ? "authorization" : wait.for;
}
