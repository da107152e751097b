import { setTimeout as delay } from "node:timers/promises";
import { type Ledger, monotonicMs } from "#test/support/checker/ledger.ts";
import type { Producer } from "#test/support/checker/producer.ts";
import { retry } from "../retry.ts";
import type { World } from "../world.ts";

/** What is certainly over after that time: a call of policy that somebody has given up. */
const STALE_CALL_MS = 12_000;

/** Of every so many changes of an administrator one is an erasure. */
const ERASES_EVERY = 8;

/** The roles between which bob changes, and what they show. */
const RIGHTS = [
  { role: "triager", topics: ["issues.>"] },
  { role: "maintainer", topics: ["issues.>", "push.>"] },
] as const;

/** Somebody who changes the rights of one person again and again, and erases events now and then. */
export interface Administrator extends AsyncDisposable {
  /** Changes nothing more until what it answers is called; what was begun is acknowledged before. */
  pause(): Promise<() => void>;
  /** What was acknowledged so far. */
  readonly changes: number;
  /** Attempts that were refused, or not answered. */
  readonly failures: number;
}

/** Whom it concerns. */
export interface Charge {
  readonly world: World;
  readonly ledger: Ledger;
  readonly tenant: string;
  readonly producer: Producer;
  /** The clients of bob. */
  readonly clients: readonly string[];
}

/** Starts the administrator of a tenant. */
export function startAdministrator(charge: Charge): Administrator {
  const stopping = new AbortController();
  let [turn, changes, failures] = [0, 0, 0];
  let pausing: Promise<void> | undefined;
  let current: Promise<void> = Promise.resolve();
  const step = async (): Promise<void> => {
    const work = turn % ERASES_EVERY === ERASES_EVERY - 1 ? eraseSome : changeRights;
    const failed = await work(charge, (turn += 1), stopping.signal);
    changes += 1;
    failures += failed;
    // An attempt that was given up may still be carried out: not after one of the next change.
    if (failed > 0) await delay(STALE_CALL_MS, undefined, { signal: stopping.signal });
  };
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await pausing;
      current = step();
      await current;
      await delay(2_000, undefined, { signal: stopping.signal });
    }
  })().catch(() => {});
  return {
    get changes() {
      return changes;
    },
    get failures() {
      return failures;
    },
    async pause() {
      const { promise, resolve } = Promise.withResolvers<void>();
      pausing = promise;
      await current.catch(() => {});
      return () => {
        pausing = undefined;
        resolve();
      };
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
    },
  };
}

/** Answers how many attempts failed. */
async function changeRights(charge: Charge, turn: number, stop: AbortSignal): Promise<number> {
  const { world, ledger, tenant, clients } = charge;
  const { role, topics } = RIGHTS[turn % 2 === 0 ? 1 : 0];
  const askedAt = monotonicMs();
  let failed = -1;
  // It may be in force from here on, whether an answer comes or not.
  const note = (acknowledgedAt: number): void => {
    for (const client of clients) ledger.push({ of: "rights", client, topics, askedAt, acknowledgedAt });
  };
  try {
    await retry(
      async () => {
        failed += 1;
        await world.calls.setRoles("bob", [role], tenant);
      },
      { stop },
    );
  } catch {
    // The run ends: nobody knows whether it was carried out.
    note(Number.MAX_SAFE_INTEGER);
    return failed;
  }
  note(monotonicMs());
  return failed;
}

/** Erases a few events that were made for it; answers how many attempts failed. */
async function eraseSome(
  { world, ledger, tenant, producer }: Charge,
  turn: number,
  stop: AbortSignal,
): Promise<number> {
  const topic = `push.event.gone${turn}`;
  for (let n = 0; n < 3; n += 1) await producer.publish(topic, `${tenant} to be erased ${turn} ${n}`);
  const askedAt = monotonicMs();
  const pattern = `push.*.gone${turn}`;
  let failed = -1;
  const through = await retry(
    async () => {
      failed += 1;
      const { status, body } = await world.calls.operate("POST", `${tenant}/erase`, {
        subject: pattern,
        reason: "asked",
      });
      if (status !== 200) throw new Error(`nothing was erased: ${status}`);
      return body["through"] as number;
    },
    { stop },
  );
  const isMirrored = world.home !== undefined;
  ledger.push({ of: "erased", tenant, pattern, through, isMirrored, askedAt, acknowledgedAt: monotonicMs() });
  return failed;
}
