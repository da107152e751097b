import { copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { requireCommand } from "../shared/run-command.ts";
import { ScriptError } from "../shared/run-script.ts";
import { findOnPath } from "./find-on-path.ts";
import { firefox, webkit } from "./programs.ts";
import { provision, type ProvisionOptions } from "./provision.ts";

const SOURCES = fileURLToPath(new URL("../../test/e2e/clients", import.meta.url));

/**
 * Gets what the client matrix runs besides Node and Chromium: two browsers, the Python clients with their packages in
 * `<home>/clients/python`, the Go clients as programs in `<home>/clients/go`. Where something cannot be had it says so in one
 * line, and the matrix counts those clients as not run.
 */
export async function provisionClients(options: ProvisionOptions): Promise<void> {
  const clients = join(resolve(options.home), "clients");
  const parts: Readonly<Record<string, () => Promise<void>>> = {
    Firefox: () => provision([firefox], options),
    WebKitGTK: () => provision([webkit], options),
    Python: () => installPythonClients(join(clients, "python"), options),
    Go: () => buildGoClients(join(clients, "go"), options),
  };
  for (const [name, provide] of Object.entries(parts)) {
    try {
      await provide();
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      options.say(`the ${name} clients are not run here: ${error.message.replaceAll(/\s*\n\s*/g, " ")}`);
    }
  }
}

/** Makes a virtual environment with the packages of requirements.txt, unless they are what it was made with. */
async function installPythonClients(folder: string, { path, say }: ProvisionOptions): Promise<void> {
  const requirements = join(SOURCES, "python/requirements.txt");
  const installed = join(folder, "requirements.txt");
  const wanted = await readFile(requirements, "utf8");
  if ((await readFile(installed, "utf8").catch(() => "")) === wanted) return;
  const python = requireOnPath("python3", path);
  say("getting the Python clients with pip …");
  await rm(folder, { recursive: true, force: true });
  await requireCommand(python, ["-m", "venv", folder]);
  await requireCommand(join(folder, "bin/python"), ["-m", "pip", "install", "--quiet", "--requirement", requirements]);
  await copyFile(requirements, installed);
}

/** Builds every program of the module; Go's own caches make this short when nothing has changed. */
async function buildGoClients(folder: string, { path }: ProvisionOptions): Promise<void> {
  const go = requireOnPath("go", path);
  await mkdir(folder, { recursive: true });
  await requireCommand(go, ["build", "-mod=readonly", "-o", `${folder}/`, "./..."], { cwd: join(SOURCES, "go") });
}

function requireOnPath(command: string, path: string): string {
  const file = findOnPath(command, path);
  if (file === undefined) throw new ScriptError(`${command} is not on PATH`);
  return file;
}
