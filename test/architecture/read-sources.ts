import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SUBPATHS = { "#shared/": "services/shared/", "#proto/": "proto/gen/", "#test/": "test/" };

/** One import or re-export of a source file. */
export interface Import {
  /** As it is written. */
  readonly specifier: string;
  /** The file in this project, by its path from the top; undefined for a package. */
  readonly file: string | undefined;
}

/** A source file, by its path from the top. */
export interface Source {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

/** The paths of all files that are, or could be, committed. */
export function listFiles(): string[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate"];
  const deleted = new Set(gitLines(["ls-files", "--deleted"]));
  return gitLines(args).filter((path) => !deleted.has(path));
}

/** The text of a file of the project; undefined when it is not text. */
export function readText(path: string): string | undefined {
  const bytes = readFileSync(join(ROOT, path));
  return bytes.includes(0) ? undefined : bytes.toString();
}

/** Our own TypeScript below these folders. */
export function readSources(...folders: string[]): Source[] {
  return listFiles()
    .filter((path) => /\.tsx?$/.test(path) && folders.some((folder) => path.startsWith(folder)))
    .map((path) => {
      const text = readText(path) ?? "";
      return { path, text, imports: parseImports(path, text) };
    });
}

/** Whether the file holds tests, or what tests share: these may start what they test. */
export function isTest({ path }: Source): boolean {
  return /\.test\.tsx?$/.test(path) || path.includes("/testing/");
}

/** Each pair of a file and an import of it that breaks a rule, as a line for the failure message. */
export function findImports(sources: readonly Source[], isWrong: (source: Source, each: Import) => boolean): string[] {
  return sources.flatMap((source) =>
    source.imports.filter((each) => isWrong(source, each)).map((each) => `${source.path} imports ${each.specifier}`),
  );
}

/** A way round in a graph, as the nodes it goes through; undefined when there is none. */
export function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const finished = new Set<string>();
  const visit = (node: string, way: string[]): string[] | undefined => {
    if (way.includes(node)) return [...way.slice(way.indexOf(node)), node];
    if (finished.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...way, node]);
      if (cycle !== undefined) return cycle;
    }
    finished.add(node);
    return undefined;
  };
  return [...graph.keys()].map((node) => visit(node, [])).find((cycle) => cycle !== undefined);
}

/** Reads the import lines of a file as the formatter leaves them; types count as much as values. */
export function parseImports(path: string, text: string): Import[] {
  const statements = text.matchAll(/^(?:import|export)\s(?:[^;"']*?\sfrom\s+)?"([^"]+)"/gm);
  const calls = text.matchAll(/\bimport\("([^"]+)"\)/g);
  return [...statements, ...calls].map(([, specifier = ""]) => ({ specifier, file: resolveFile(path, specifier) }));
}

function resolveFile(importer: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return normalize(join(dirname(importer), specifier));
  const subpath = Object.entries(SUBPATHS).find(([prefix]) => specifier.startsWith(prefix));
  return subpath === undefined ? undefined : subpath[1] + specifier.slice(subpath[0].length);
}

function gitLines(args: readonly string[]): string[] {
  const output = execFileSync("git", ["-C", ROOT, ...args], { encoding: "utf8", maxBuffer: 16 * 1024 * 1024 });
  return output.split("\n").filter((line) => line !== "");
}
