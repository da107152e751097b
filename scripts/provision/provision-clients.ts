import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { requireCommand } from "../shared/run-command.ts";
import { ScriptError } from "../shared/run-script.ts";
import { findOnPath } from "./find-on-path.ts";
import { firefox, webkit } from "./programs.ts";
import { provision, type ProvisionOptions } from "./provision.ts";
import { installPythonPackages } from "./python-packages.ts";

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
  await orSay("Python", options, () =>
    installPythonPackages(
      join(clients, "python"),
      join(SOURCES, "python/requirements.txt"),
      "the Python clients",
      options,
    ),
  );
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

/** Builds every program of the module; Go's own caches make this short when nothing has changed. */
async function buildGoClients(folder: string, { path }: ProvisionOptions): Promise<void> {
  const go = findOnPath("go", path);
  if (go === undefined) throw new ScriptError("go is not on PATH");
  await mkdir(folder, { recursive: true });
  await requireCommand(go, ["build", "-mod=readonly", "-o", `${folder}/`, "./..."], { cwd: join(SOURCES, "go") });
}
