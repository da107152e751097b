import { copyFile, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { requireCommand } from "../shared/run-command.ts";
import { ScriptError } from "../shared/run-script.ts";
import { findOnPath } from "./find-on-path.ts";
import type { ProvisionOptions } from "./provision.ts";

/**
 * Makes a virtual environment in `folder` with the packages of a file of requirements, unless they are what it was made with; `what` they are.
 * @throws {ScriptError} where there is no Python, or a package cannot be had.
 */
export async function installPythonPackages(
  folder: string,
  requirements: string,
  what: string,
  { path, say }: Pick<ProvisionOptions, "path" | "say">,
): Promise<void> {
  const installed = join(folder, "requirements.txt");
  const wanted = await readFile(requirements, "utf8");
  if ((await readFile(installed, "utf8").catch(() => "")) === wanted) return;
  const python = findOnPath("python3", path);
  if (python === undefined) throw new ScriptError(`python3, which runs ${what}, is not on PATH`);
  say(`getting ${what} with pip …`);
  await rm(folder, { recursive: true, force: true });
  await requireCommand(python, ["-m", "venv", folder]);
  await requireCommand(join(folder, "bin/python"), ["-m", "pip", "install", "--quiet", "--requirement", requirements]);
  await copyFile(requirements, installed);
}
