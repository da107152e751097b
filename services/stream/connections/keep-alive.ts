import { endGrant } from "../access/apply-control.ts";
import type { Hub, Stream } from "./hub.ts";
import type { Reader, Wait } from "./reader.ts";
import type { Registration } from "../access/registration.ts";
import { verifySession, type VerifyDeps } from "../access/verify.ts";
import { chooseRetryDelay } from "../sse/retry-delay.ts";

const TICK_MS = 1_000;

/** A client may rely on a frame every 15 s; the tick may come a second late. */
const BEAT_MS = 13_000;

/** A reader that is held this long is told so. */
const DEGRADED_AFTER_MS = 5_000;

/** A socket that takes nothing for this long is given up; the client resumes where it was. */
const STALL_MS = 10_000;

/** Auth is asked for more time when this much is left, at most; spread, so that streams opened together ask apart. */
const RENEW_BEFORE_MS = { min: 30_000, max: 60_000 };

interface Pulse {
  nextBeatAt: number;
  readonly renewBeforeMs: number;
  progress: number;
  progressAt: number;
  degraded: boolean;
}

/** What the heartbeat needs. */
export interface KeepAliveDeps extends VerifyDeps {
  readonly wall: () => number;
}

/**
 * Looks after every reader once a second: keeps it alive and its client's cursor fresh, ends it at its deadline, asks auth
 * for more time before that and policy for another grant when its own has ended, tells when delivery stands still, and gives
 * up sockets that take nothing.
 */
export function startKeepAlive(hub: Hub, deps: KeepAliveDeps): Disposable {
  const pulses = new WeakMap<Reader, Pulse>();
  const timer = setInterval(() => {
    const now = deps.now();
    for (const stream of hub.streams()) {
      const { reader } = stream;
      const pulse = pulses.get(reader) ?? createPulse(now);
      pulses.set(reader, pulse);
      if (!reader.ended) look(stream, pulse, now, deps);
    }
  }, TICK_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function createPulse(now: number): Pulse {
  const { min, max } = RENEW_BEFORE_MS;
  return {
    // The first beat comes at a random time, or all that connected together would be written to together for ever.
    nextBeatAt: now + Math.random() * BEAT_MS,
    renewBeforeMs: min + Math.random() * (max - min),
    progress: 0,
    progressAt: now,
    degraded: false,
  };
}

function look(stream: Stream, pulse: Pulse, now: number, deps: KeepAliveDeps): void {
  const { reader } = stream;
  const { deadline, identity, grantEndsAt } = reader.registration;
  if (deadline !== undefined && now >= deadline) return reader.revoke("expired");
  if (isStalled(reader, pulse, now)) return reader.bye("slow", chooseRetryDelay(0));
  if (now >= grantEndsAt) endGrant(stream, deps);
  const endsSoon = deadline !== undefined && deadline - now < pulse.renewBeforeMs;
  if (endsSoon && !identity.isOutside) renew(stream, deps).catch(deps.onFault);
  tellDegraded(reader, pulse, now);
  if (now < pulse.nextBeatAt) return;
  pulse.nextBeatAt = now + BEAT_MS;
  reader.beat();
}

function isStalled({ connection }: Reader, pulse: Pulse, now: number): boolean {
  if (!connection.behind || connection.progress !== pulse.progress) {
    pulse.progress = connection.progress;
    pulse.progressAt = now;
  }
  return now - pulse.progressAt > STALL_MS;
}

async function renew({ tenant, reader }: Stream, deps: KeepAliveDeps): Promise<void> {
  const { registration } = reader;
  const before = registration.deadline;
  await verifySession(registration, tenant, deps, true);
  // Another token has taken its place meanwhile: what was asked is no longer what counts.
  if (registration !== reader.registration) return;
  const { deadline, ended } = registration;
  if (ended !== undefined) return reader.ended ? undefined : reader.revoke(ended);
  if (deadline === undefined || before === undefined || deadline <= before || reader.ended) return;
  reader.tell("session", { expiresAt: expiryOf(deadline, deps) });
}

/**
 * When a registration ends, as clients are told it. One in doubt at this very moment is asked about again; until then the token's
 * own end is what is known.
 */
export function expiresAt({ deadline, identity }: Registration, deps: KeepAliveDeps): string {
  if (deadline === undefined) return new Date(identity.tokenExpiresAt * 1_000).toISOString();
  return expiryOf(deadline, deps);
}

function expiryOf(deadline: number, { now, wall }: KeepAliveDeps): string {
  return new Date(wall() + deadline - now()).toISOString();
}

function tellDegraded(reader: Reader, pulse: Pulse, now: number): void {
  const { wait } = reader;
  const silentFor = now - reader.logAliveAt;
  const reason = silentFor > DEGRADED_AFTER_MS ? "log" : heldBy(wait, now);
  if ((reason !== undefined) === pulse.degraded) return;
  pulse.degraded = reason !== undefined;
  if (reason === undefined) reader.tell("recovered", { reason: "delivery goes on" });
  else reader.tell("degraded", { reason });
}

function heldBy(wait: { readonly for: Wait; readonly since: number } | undefined, now: number): Wait | undefined {
  if (wait === undefined || wait.for === "socket" || now - wait.since <= DEGRADED_AFTER_MS) return undefined;
  return wait.for;
}
