import { copyFile, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { requireCommand } from "../shared/run-command.ts";
import { ScriptError } from "../shared/run-script.ts";
import { findOnPath } from "./find-on-path.ts";
import type { ProvisionOptions } from "./provision.ts";

const REQUIREMENTS = "test/soak/schemathesis/requirements.txt";

/**
 * Gets Schemathesis, which makes requests up from a document of OpenAPI, into a virtual environment in `<home>/schemathesis`.
 * @throws {ScriptError} where there is no Python, or the package cannot be had.
 */
export async function provisionSchemathesis({ home, path, say }: ProvisionOptions): Promise<void> {
  const folder = join(resolve(home), "schemathesis");
  const installed = join(folder, "requirements.txt");
  const wanted = await readFile(REQUIREMENTS, "utf8");
  if ((await readFile(installed, "utf8").catch(() => "")) === wanted) return;
  const python = findOnPath("python3", path);
  if (python === undefined) throw new ScriptError("python3 is not on PATH: the soak of the APIs needs it");
  say("getting Schemathesis with pip …");
  await rm(folder, { recursive: true, force: true });
  await requireCommand(python, ["-m", "venv", folder]);
  await requireCommand(join(folder, "bin/python"), ["-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS]);
  await copyFile(REQUIREMENTS, installed);
}
