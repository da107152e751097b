import { openEventStream } from "#test/support/event-stream.ts";
import type { Login } from "#test/support/start-stack.ts";
import type { Scene } from "./fault.ts";
import { retry } from "./retry.ts";

/** What is not back so long after its time is not waited for any more. */
const GIVE_UP_AFTER_MS = 60_000;

/** How long it took until everything worked again. */
export interface Recovery {
  /** Until the last of the checks held. */
  readonly ms: number;
  /** The checks that held later than within the budget, with their time; and those that never did. */
  readonly late: readonly string[];
  /** Whether everything works. */
  readonly isComplete: boolean;
}

interface Check {
  readonly what: string;
  /** Throws while it does not hold; what it began is over when the signal aborts. */
  readonly holds: (signal: AbortSignal) => Promise<void>;
}

/** Waits until everybody is served by every process again. */
export async function measureRecovery(scene: Omit<Scene, "random">, budgetMs: number): Promise<Recovery> {
  const begin = performance.now();
  const stop = AbortSignal.timeout(budgetMs + GIVE_UP_AFTER_MS);
  const results = await Promise.all(
    checksOf(scene).map(async ({ what, holds }) => {
      const isBack = await retry((signal) => unlessAborted(holds(signal), signal), { stop, attemptMs: 10_000 }).then(
        () => true,
        () => false,
      );
      return { what, isBack, ms: performance.now() - begin };
    }),
  );
  return {
    ms: Math.max(...results.map(({ ms }) => ms)),
    late: results.flatMap(({ what, isBack, ms }) => {
      if (!isBack) return [`${what}: never`];
      return ms > budgetMs ? [`${what}: after ${(ms / 1_000).toFixed(1)} s`] : [];
    }),
    isComplete: results.every(({ isBack }) => isBack),
  };
}

function checksOf({ world, traffic }: Omit<Scene, "random">): readonly Check[] {
  return [
    ...world.processes.map((process) => ({
      what: `${process.name} is ready`,
      holds: async () => require(await process.isReady()),
    })),
    ...traffic.tenants.map((tenant) => ({
      what: `every client of ${tenant.tenant} gets events`,
      holds: async () => {
        const text = await traffic.mark(tenant);
        await Promise.all(tenant.readers.map((reader) => reader.frame(({ data }) => data === text, 30_000)));
      },
    })),
    ...world.authUrls.map((url, index) => ({
      what: `people log in at auth-${index + 1}`,
      holds: async (signal: AbortSignal) => void (await logIn(url, signal)),
    })),
    ...world.doors.map(({ name, url }) => ({
      what: `${name} opens streams`,
      holds: (signal: AbortSignal) => opensStream(world.authUrls[0] ?? "", url, signal),
    })),
    { what: "policy changes rights", holds: () => world.calls.setRoles("probe", ["triager"], "demo") },
  ];
}

async function logIn(url: string, signal: AbortSignal): Promise<Login> {
  const answer = await fetch(`${url}/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ tenant: "demo", username: "carol", password: "sluice-demo" }),
    signal,
  });
  if (!answer.ok) throw new Error(`a login was answered with ${answer.status}`);
  return (await answer.json()) as Login;
}

async function opensStream(authUrl: string, url: string, signal: AbortSignal): Promise<void> {
  const { access_token: token } = await logIn(authUrl, signal);
  await using stream = await openEventStream(`${url}/v1/stream?topic=issues.>`, { token, signal });
  // One that was told to come again is over, and has no such frame.
  const refused = stream.closed().then(() => Promise.reject(new Error("the stream was closed")));
  await Promise.race([stream.frame("ready"), refused]);
}

function require(holds: boolean): void {
  if (!holds) throw new Error("it does not hold");
}

function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error("it took too long")), { once: true });
    work.then(resolve, reject);
  });
}
