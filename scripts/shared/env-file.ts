import { readFile } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { parseEnv } from "node:util";
import { trimVariables } from "#shared/config/read-config.ts";
import { projectPath } from "./project-folder.ts";
import { ScriptError } from "./run-script.ts";

/** Variables, and where those stand that the environment itself did not set: `.env:3`. */
export interface Environment {
  readonly env: NodeJS.ProcessEnv;
  readonly origins: ReadonlyMap<string, string>;
}

/**
 * The environment with what `.env` in the project's folder sets beside it, or the file that `SLUICE_ENV_FILE` names. A variable that the
 * environment has is never overwritten, an empty one among them. Blanks and line ends around a value are not part of it, as for services.
 * @throws {ScriptError} naming the file and the line, where the file is not what it should be; or where it cannot be read.
 */
export async function readEnvironment(given: NodeJS.ProcessEnv): Promise<Environment> {
  const env = trimVariables(given);
  const named = env["SLUICE_ENV_FILE"] || undefined;
  const path = named === undefined ? projectPath(".env") : resolve(projectPath(), named);
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" && named === undefined) return undefined;
    throw new ScriptError(`${named ?? ".env"} cannot be read: ${error.message}`);
  });
  if (text === undefined) return { env, origins: new Map() };
  const file = parseEnvFile(text, relative(projectPath(), path));
  const origins = [...file.origins].filter(([name]) => env[name] === undefined);
  return { env: { ...file.env, ...env }, origins: new Map(origins) };
}

/**
 * The variables of a file of `NAME=value` lines, as Node reads them; where a name stands twice, the last counts.
 * @throws {ScriptError} naming the line that Node would pass over.
 */
export function parseEnvFile(text: string, path: string): Environment {
  const origins = new Map<string, string>();
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index += 1) {
    const line = (lines[index] ?? "").trim();
    if (line === "" || line.startsWith("#")) continue;
    const place = `${path}:${index + 1}`;
    const [, name, value = ""] = /^(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined) throw new ScriptError(`${place}: must be NAME=value, or a comment behind a #`);
    origins.set(name, place);
    index = lastLineOf(value, lines, index, place);
  }
  return { env: trimVariables(parseEnv(text)), origins };
}

/** Where a value ends: one within quotes may have several lines. */
function lastLineOf(value: string, lines: readonly string[], first: number, place: string): number {
  const [quote = ""] = /^["'`]/.exec(value) ?? [];
  if (quote === "" || value.includes(quote, 1)) return first;
  const last = lines.findIndex((line, index) => index > first && line.includes(quote));
  if (last === -1) throw new ScriptError(`${place}: the value begins with ${quote} and does not end with one`);
  return last;
}
