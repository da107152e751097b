import { copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { requireCommand } from "../shared/run-command.ts";
import { ScriptError } from "../shared/run-script.ts";
import { findOnPath } from "./find-on-path.ts";
import { firefox, webkit } from "./programs.ts";
import { provision, type ProvisionOptions } from "./provision.ts";

const SOURCES = fileURLToPath(new URL("../../test/e2e/clients", import.meta.url));

/** Gets the two browsers that the client matrix runs besides Chromium. Says in one line of each that cannot be had: its clients are not run. */
export async function provisionBrowsers(options: ProvisionOptions): Promise<void> {
  await orSay("Firefox", options, () => provision([firefox], options));
  await orSay("WebKitGTK", options, () => provision([webkit], options));
}

/**
 * Gets the clients in other languages: the Python ones with their packages in `<home>/clients/python`, the Go ones as programs in
 * `<home>/clients/go`. Says in one line of each that cannot be had: its clients are not run.
 */
export async function provisionLanguages(options: ProvisionOptions): Promise<void> {
  const clients = join(resolve(options.home), "clients");
  await orSay("Python", options, () => installPythonClients(join(clients, "python"), options));
  await orSay("Go", options, () => buildGoClients(join(clients, "go"), options));
}

async function orSay(name: string, { say }: ProvisionOptions, provide: () => Promise<void>): Promise<void> {
  try {
    await provide();
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    say(`the ${name} clients are not run here: ${error.message.replaceAll(/\s*\n\s*/g, " ")}`);
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
