import { cp, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULT_PORTS } from "../../scripts/demo-settings.ts";
import { startChild } from "#test/support/child.ts";
import { freePort } from "#test/support/ports.ts";
import { sluice } from "#test/support/run-sluice.ts";
import { waitFor } from "#test/support/wait.ts";

/** The demo on ports of its own, and a folder in which somebody follows the pages: it looks like a clone of the project. */
export interface Demo extends AsyncDisposable {
  readonly folder: string;
  /** What a shell in the folder has in its environment. */
  readonly env: NodeJS.ProcessEnv;
  /** The same text with the demo's own ports in place of the usual ones. */
  withPorts(text: string): string;
}

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

/** Where the readers' own programs listen, by the pages. */
const PORTS_OF_READERS = [3000, 4000];

/** What a clone does not have; `.sluice` is the demo's own. */
const NOT_CLONED = new Set([".git", ".sluice"]);

/** Starts what `npm start` starts, and the folder beside it. */
export async function startDemo(): Promise<Demo> {
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "sluice-reader-"));
  starting.defer(() => rm(folder, { recursive: true }));
  for (const name of await readdir(PROJECT)) {
    if (name === "infra") await cp(join(PROJECT, name), join(folder, name), { recursive: true });
    else if (!NOT_CLONED.has(name)) await symlink(join(PROJECT, name), join(folder, name));
  }

  const ports = new Map<number, number>();
  const data: Record<string, string> = {
    SLUICE_DATA_DIR: join(folder, "data"),
    // Pages have them changed: not those of the project.
    AUTH_USERS_FILE: join(folder, "infra/demo/users.yaml"),
    AUTH_ISSUERS_FILE: join(folder, "infra/demo/issuers.yaml"),
  };
  for (const [variable, port] of Object.entries(DEFAULT_PORTS)) {
    ports.set(port, await freePort());
    data[variable] = String(ports.get(port));
  }
  for (const port of PORTS_OF_READERS) ports.set(port, await freePort());

  const demo = startChild(process.execPath, ["scripts/start.ts"], data);
  starting.defer(async () => void (await demo.end("SIGTERM")));
  const socket = join(folder, "sluice.sock");
  const commands = startChild(process.execPath, ["test/docs/serve-sluice.ts", folder, socket], data);
  starting.defer(async () => void (await commands.end("SIGKILL")));
  await waitFor("the demo runs", () => isThere(demo, "Ctrl-C stops everything"), 60_000);
  await waitFor("commands are served", () => isThere(commands, "listening"), 60_000);
  // Who has followed the README has events in the log.
  await sluice(["demo", "publish", "--rate", "1000", "--count", "60"], { env: data });
  const running = starting.move();
  return {
    folder,
    env: {
      ...data,
      SLUICE_SOCKET: socket,
      PATH: process.env["PATH"],
      HOME: folder,
    },
    withPorts: (text) => text.replaceAll(/\b\d{4}\b/g, (port) => String(ports.get(Number(port)) ?? port)),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function isThere(child: ReturnType<typeof startChild>, text: string): boolean {
  if (child.process.exitCode !== null) throw new Error(child.output());
  return child.output().includes(text);
}
