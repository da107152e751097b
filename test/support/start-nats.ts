import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Child, startChild } from "./child.ts";
import { freePort } from "./ports.ts";
import { untilListens } from "./until-listens.ts";

/** The project's own configuration, of a single server. */
export const NATS_CONFIG = fileURLToPath(new URL("../../infra/nats/nats.conf", import.meta.url));

/** The password of every user of a test's servers. */
export const NATS_PASSWORD = "test";

/** The users of infra/nats/nats.conf. */
type ServiceUser = "auth" | "policy" | "stream" | "publish" | "backup" | "operator";

/** Those, the demo's producers, and the users of the homes of other regions. */
export type NatsUser = ServiceUser | `${ServiceUser}-${string}` | "demo" | "rival";

/** A real nats-server with the project's own configuration, its data in a fresh folder. */
export interface NatsServer extends AsyncDisposable {
  readonly port: number;
  readonly storeDir: string;
  readonly pid: number;
  url(user: NatsUser): string;
  /** Ends the server; its port and data stay for `start`. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
  /** What it has printed, over all its starts. */
  output(): string;
}

/** Whether the server whose monitoring is on that port follows: all that it keeps is as its cluster has it. */
export function isHealthyAt(monitorPort: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${monitorPort}/healthz`, { signal: AbortSignal.timeout(1_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}

/**
 * Starts nats-server and waits until it takes connections; with another configuration or a folder that lies elsewhere, where
 * these are given.
 */
export async function startNats({ config = NATS_CONFIG, disk = tmpdir() } = {}): Promise<NatsServer> {
  return startNatsServer({ config, port: await freePort(), storeDir: await mkdtemp(join(disk, "sluice-nats-")) });
}

/**
 * Starts nats-server with that configuration, further arguments and variables, and removes its folder when it is disposed
 * of.
 */
export async function startNatsServer(at: {
  readonly config: string;
  readonly port: number;
  readonly storeDir: string;
  readonly more?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}): Promise<NatsServer> {
  const { config, port, storeDir, more = [], env = {} } = at;
  const started: Child[] = [];
  let child: Child;
  const args = ["-c", config, "-a", "127.0.0.1", "-p", String(port), "-sd", storeDir, ...more];
  const start = async (): Promise<void> => {
    child = startChild("nats-server", args, {
      NATS_AUTH_PASSWORD: NATS_PASSWORD,
      NATS_POLICY_PASSWORD: NATS_PASSWORD,
      NATS_STREAM_PASSWORD: NATS_PASSWORD,
      NATS_PUBLISH_PASSWORD: NATS_PASSWORD,
      NATS_BACKUP_PASSWORD: NATS_PASSWORD,
      NATS_DEMO_PASSWORD: NATS_PASSWORD,
      NATS_RIVAL_PASSWORD: NATS_PASSWORD,
      ...env,
    });
    started.push(child);
    await untilListens("nats-server", child, port);
  };
  await start();
  return {
    port,
    storeDir,
    get pid() {
      return child.process.pid ?? 0;
    },
    url: (user) => `nats://${user}:${NATS_PASSWORD}@127.0.0.1:${port}`,
    stop: async (signal = "SIGTERM") => void (await child.end(signal)),
    start,
    output: () => started.map((each) => each.output()).join(""),
    async [Symbol.asyncDispose]() {
      await child.end("SIGKILL");
      await rm(storeDir, { recursive: true, force: true });
    },
  };
}
