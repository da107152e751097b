import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { startChild } from "#test/support/child.ts";
import { freePort } from "#test/support/ports.ts";
import { untilListens } from "#test/support/until-listens.ts";

/** The key that signs the tokens of peers: a secret that both sides know, as their manuals begin with. */
export const SECRET = "a-secret-of-this-benchmark-alone-256-bits";

/** A peer's process. */
export interface PeerProcess extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** Sends a body with POST, on one of a few connections that stay open: what is sent at nearly the same time has no order. */
  post(path: string, body: string, headers?: Readonly<Record<string, string>>): void;
}

/** How to start a program on a port, with files of its own in a folder that goes with it. */
export interface Program {
  readonly file: string;
  readonly args?: (folder: string) => readonly string[];
  readonly env?: (folder: string, port: number) => NodeJS.ProcessEnv;
  /** The name and the text of its configuration. */
  readonly config?: (folder: string, port: number) => readonly [name: string, text: string];
}

/** Starts a program on a free port and waits until it takes connections; throws with what it printed when it does not. */
export async function startPeer({ file, args, env, config }: Program): Promise<PeerProcess> {
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "sluice-peer-"));
  starting.defer(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  const written = config?.(folder, port);
  if (written !== undefined) await writeFile(join(folder, written[0]), written[1]);
  const child = startChild(file, args?.(folder) ?? [], env?.(folder, port) ?? {});
  starting.defer(async () => void (await child.end("SIGKILL")));
  await untilListens(file, child, port);
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  starting.defer(() => agent.destroy());
  const running = starting.move();
  return {
    port,
    pid: child.process.pid ?? 0,
    post(path, body, headers = {}) {
      const sent = request({ port, host: "127.0.0.1", path, method: "POST", agent, headers }, (answer) =>
        answer.resume(),
      );
      sent.on("error", () => {}).end(body);
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** A token by HS256 with these claims, for an hour. */
export function signWithSecret(claims: Readonly<Record<string, unknown>>): Promise<string> {
  const key = new TextEncoder().encode(SECRET);
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256", typ: "JWT" }).setExpirationTime("1h").sign(key);
}
