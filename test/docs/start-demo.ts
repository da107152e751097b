import { mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULT_PORTS } from "../../scripts/demo-settings.ts";
import { startChild } from "#test/support/child.ts";
import { freePort } from "#test/support/ports.ts";
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

/** Stands in for `npx sluice`. A command that goes on until Ctrl-C is a process of its own; so are other programs of npx. */
const NPX = `#!/bin/bash
[ "$1" = sluice ] || { echo "not stood in for: npx $*" >&2; exit 2; }
shift
[ -z "\${IN_OWN_PROCESS:-}" ] || exec node scripts/sluice.ts "$@"
{ printf '%s\\0' "$#" "$@"; env -0; printf '\\0'; cat; } |
  curl -sS --fail-with-body --unix-socket "$SLUICE_SOCKET" --data-binary @- http://sluice/ || exit 1
`;

/** Every curl of a page fails where the answer is 400 or more; what a page shows to be refused says so by `-w`. */
const CURL = `#!/bin/bash
PATH=\${PATH#*:}
case " $* " in *" -w "*) exec curl "$@";; *) exec curl --fail-with-body "$@";; esac
`;

/** Starts what `npm start` starts, and the folder beside it. */
export async function startDemo(): Promise<Demo> {
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "sluice-reader-"));
  starting.defer(() => rm(folder, { recursive: true }));
  for (const name of await readdir(PROJECT)) {
    if (!NOT_CLONED.has(name)) await symlink(join(PROJECT, name), join(folder, name));
  }
  await writeFile(join(folder, "npx"), NPX, { mode: 0o755 });
  await writeFile(join(folder, "curl"), CURL, { mode: 0o755 });

  const ports = new Map<number, number>();
  const data: Record<string, string> = { SLUICE_DATA_DIR: join(folder, "data") };
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
  const running = starting.move();
  return {
    folder,
    env: { ...data, SLUICE_SOCKET: socket, PATH: `${folder}:${process.env["PATH"]}`, HOME: folder },
    withPorts: (text) => text.replaceAll(/\b\d{4}\b/g, (port) => String(ports.get(Number(port)) ?? port)),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function isThere(child: ReturnType<typeof startChild>, text: string): boolean {
  if (child.process.exitCode !== null) throw new Error(child.output());
  return child.output().includes(text);
}
