import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { accepts } from "../shared/accepts.ts";
import { ScriptError } from "../shared/run-script.ts";

/** A server of a region that nobody reaches but this machine, and that is linked to no other region. */
export interface ClosedServer extends AsyncDisposable {
  readonly port: number;
}

interface ClosedServerOptions {
  /** The configuration of the server as it is to run afterwards; a whole path. */
  readonly config: string;
  /** What nats-server is called with besides, such as `-sd` and a folder. */
  readonly args: readonly string[];
  readonly port: number;
  readonly env: NodeJS.ProcessEnv;
  /** Ends the waiting for it. */
  readonly stop?: AbortSignal;
}

/** A store of some size is read at the start. */
const START_MS = 120_000;
const LOOK_MS = 50;

/**
 * Starts nats-server by its own configuration, but for clients of this machine alone, on another port, and without links. It
 * keeps its routes: three of them make up a cluster, and a single one joins those that run.
 * @throws {ScriptError} with what it says where it does not start; where something else listens there, which would be asked in its place; and
 * where nobody says its store.
 */
export async function startClosedServer({ config, args, port, env, stop }: ClosedServerOptions): Promise<ClosedServer> {
  if (await accepts(port)) {
    throw new ScriptError(
      `something listens on port ${port} already: end it where it is a server that another sluice region admit has left, else name another port with --port`,
    );
  }
  await using stack = new AsyncDisposableStack();
  // Nobody but an administrator may write where the configuration is, and in a container nobody at all.
  const folder = await mkdtemp(join(tmpdir(), "sluice-closed-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const closed = join(folder, "nats.conf");
  // nats-server takes the path as seen from this file. The last value of a setting counts.
  await writeFile(closed, `include "${relative(folder, config)}"\nleafnodes {}\n`, { mode: 0o600 });
  const given = ["-c", closed, "-a", "127.0.0.1", "-p", String(port), ...args];
  const server = spawn("nats-server", given, { env, stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(server, "close").catch(() => undefined);
  let [said, isElsewhere] = ["", false];
  server.stderr.on("data", (bytes: Buffer) => {
    said = (said + bytes.toString()).slice(-4_000);
    isElsewhere ||= said.includes(`Store Directory: "${storeWithout(env)}"`);
  });
  server.on("error", (error) => (said = error.message));
  stack.defer(async () => {
    server.kill("SIGTERM");
    await ended;
  });
  const giveUp = performance.now() + START_MS;
  while (!(await accepts(port))) {
    if (stop?.aborted) throw new ScriptError("interrupted: the server stays closed");
    if (server.exitCode !== null || server.pid === undefined || performance.now() > giveUp) {
      throw new ScriptError(`nats-server does not start with ${config}: ${said.trim().split("\n").at(-1)}`);
    }
    await delay(LOOK_MS);
  }
  // What it has said before it listens is read by then.
  await delay(LOOK_MS);
  if (isElsewhere) {
    throw new ScriptError(
      `${config} says no store, so nats-server took ${storeWithout(env)}: say with --store which folder it is started with (-sd)`,
    );
  }
  const owner = stack.move();
  return { port, [Symbol.asyncDispose]: () => owner.disposeAsync() };
}

/** Where nats-server keeps streams that is told of no folder: of a region that would be another store than its own, and most likely an empty one. */
function storeWithout({ TMPDIR }: NodeJS.ProcessEnv): string {
  return join(TMPDIR || "/tmp", "nats", "jetstream");
}
