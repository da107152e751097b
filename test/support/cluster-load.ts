import { setTimeout as delay } from "node:timers/promises";
import type { Account } from "./checker/account.ts";
import { noteRights } from "./checker/administrator.ts";
import { conclude } from "./checker/audit.ts";
import { createHttpProducer } from "./checker/http-producer.ts";
import { monotonicMs } from "./checker/ledger.ts";
import type { LedgerReader } from "./checker/reader.ts";
import { startRun } from "./checker/start-run.ts";
import type { Cluster } from "./start-cluster.ts";
import type { Bus } from "./start-stack.ts";
import { waitFor } from "./wait.ts";

/** What a cluster does all the time: bob's rights change, and people log in. */
export interface ClusterLoad {
  /** The readers whose rights stay as they are. */
  readonly steady: readonly LedgerReader[];
  /** Ends it, waits until everybody has everything, and answers the sound account. */
  end(): Promise<Account>;
}

/** What bob sees as one and as the other. */
const ROLES = [
  { roles: ["triager"], topics: ["issues.>"] },
  { roles: ["maintainer"], topics: ["issues.>", "push.>"] },
] as const;

/** How long a cluster may take to carry out a change while parts of it are away. */
const CHANGE_MS = 60_000;

/**
 * Starts readers, producers on the bus and over HTTP, changes of rights and logins. Readers come through the proxy, or to one
 * after the other of `edges`.
 */
export async function startClusterLoad(
  cluster: Cluster,
  operator: Bus,
  edges: readonly string[] = [cluster.urls.stream],
): Promise<ClusterLoad> {
  const [bob, carol] = await Promise.all(["bob", "carol"].map((name) => cluster.login(name)));
  const urls = edges.map((url) => `${url}/v1/stream?topic=push.>&topic=issues.>`);
  const run = await startRun(await cluster.bus("demo"), 4, { tenant: "demo", token: carol?.access_token ?? "", urls });
  const steady = [...run.readers];
  await run.join("bob", { token: bob?.access_token ?? "" });
  noteRights(run.ledger, "bob", ROLES[1].topics);
  const publishing = run.producer.publishSteadily(["push.event.k", "issues.opened.k"], "under faults", 20);
  const overHttp = createHttpProducer({
    tenant: "demo",
    ledger: run.ledger,
    urls: [cluster.urls.publish],
    token: () => carol?.access_token ?? "",
    operator,
  });
  const posting = overHttp.publishSteadily(["issues.edited"], "over HTTP", 100);
  const stopping = new AbortController();
  const counts = { changes: 0 };
  const change = async (): Promise<void> => {
    const { roles, topics } = ROLES[counts.changes % 2] ?? ROLES[0];
    const askedAt = monotonicMs();
    // Asked for again, it is the same change: whether it has been in force since the first time is not known.
    const isChanged = () => cluster.setRoles("bob", roles).then(isDone, isNotDone);
    await waitFor("rights are changed", isChanged, CHANGE_MS);
    run.ledger.push({ of: "rights", client: "bob", topics, askedAt, acknowledgedAt: monotonicMs() });
    counts.changes += 1;
  };
  const changing = repeat(stopping.signal, 300, change);
  // What fails is told at the end.
  changing.catch(() => {});
  const loggingIn = repeat(
    stopping.signal,
    500,
    async () => void (await cluster.login("alice").catch(() => undefined)),
  );
  return {
    steady,
    async end() {
      stopping.abort();
      await Promise.all([changing, loggingIn, publishing.stop(), posting.stop()]);
      // The last event is one that bob may see.
      while (counts.changes % 2 !== 0) await change();
      await run.end(60_000);
      await run[Symbol.asyncDispose]();
      return conclude(run.ledger);
    },
  };
}

const isDone = (): boolean => true;
const isNotDone = (): boolean => false;

async function repeat(signal: AbortSignal, pauseMs: number, step: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await step();
    await delay(pauseMs);
  }
}
