import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { DiagnosticSeverity, Parser } from "@asyncapi/parser";
import { apiFiles, ASYNC_FILE, openApiFiles, readApiFile } from "./apis/api-files.ts";
import { findBreaks } from "./apis/compare-documents.ts";
import { projectPath } from "./shared/project-folder.ts";
import { requireCommand, runCommand } from "./shared/run-command.ts";
import { runScript, say, ScriptError } from "./shared/run-script.ts";

const RELEASED_PROTO = "proto/released.binpb";

const ACCEPT =
  "docs/reference/versions.md says what may change. If it is meant, say so in docs/CHANGELOG.md and run: npm run gen -- --breaking";

// `npm run gen` writes what describes the APIs, and refuses what breaks clients unless it is told `--breaking`. `npm run check` runs
// it with `--check`: it writes nothing, and says what is stale, broken or malformed; redocly lints the documents of OpenAPI behind it.
await runScript(async () => {
  const isCheck = process.argv.includes("--check");
  if (!process.argv.includes("--breaking")) await refuseBreaks();
  if (!isCheck) return write();
  await requireCurrent();
  await parseAsync();
  say(`apis: ${openApiFiles().size} documents of OpenAPI and AsyncAPI are compatible and current`);
  return 0;
});

/** Compares with what is checked in: that is what clients were written by. */
async function refuseBreaks(): Promise<void> {
  const breaks = await Promise.all(
    Array.from(openApiFiles(), async ([file, fresh]) => {
      const released = await readApiFile(file);
      return released === undefined
        ? []
        : findBreaks(released, fresh as Record<string, unknown>).map((each) => `${file}: ${each}`);
    }),
  );
  const proto = await runCommand("buf", ["breaking", "proto", "--against", RELEASED_PROTO]);
  const all = [...breaks.flat(), ...(proto.code === 0 ? [] : [proto.stdout.trim() || proto.stderr.trim()])];
  if (all.length > 0)
    throw new ScriptError(`this breaks clients of earlier releases:\n  ${all.join("\n  ")}\n${ACCEPT}`);
}

async function write(): Promise<number> {
  for (const [file, content] of apiFiles()) {
    await mkdir(dirname(projectPath(file)), { recursive: true });
    await writeFile(projectPath(file), `${JSON.stringify(content, null, 2)}\n`);
  }
  await requireCommand("buf", ["build", "proto", "--exclude-source-info", "-o", RELEASED_PROTO]);
  await requireCommand("oxfmt", ["docs/reference/openapi", "docs/reference/schemas", ASYNC_FILE]);
  return 0;
}

async function requireCurrent(): Promise<void> {
  const files = await Promise.all(
    Array.from(apiFiles(), async ([file, fresh]) =>
      isDeepStrictEqual(await readApiFile(file), JSON.parse(JSON.stringify(fresh))) ? [] : [file],
    ),
  );
  const stale = files.flat();
  if (stale.length > 0) throw new ScriptError(`not what the code says; run npm run gen:\n  ${stale.join("\n  ")}`);
}

async function parseAsync(): Promise<void> {
  const diagnostics = await new Parser().validate(JSON.stringify(await readApiFile(ASYNC_FILE)));
  // That 3.1 is newer is information.
  const told = new Set<number>([DiagnosticSeverity.Error, DiagnosticSeverity.Warning]);
  const faults = diagnostics.filter(({ severity }) => told.has(severity));
  if (faults.length === 0) return;
  throw new ScriptError(
    `${ASYNC_FILE}:\n  ${faults.map(({ path, message }) => `${path.join(".")}: ${message}`).join("\n  ")}`,
  );
}
