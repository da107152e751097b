import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Block, placeOf } from "./read-blocks.ts";

/** Below the project, where the packages that blocks import are found. */
const FOLDER = fileURLToPath(new URL("../../.sluice", import.meta.url));

/** What the readers of a page have of their own. */
const READERS_OWN = `
declare function show(...what: unknown[]): void;
declare function handle(event: unknown): Promise<void>;
declare function refetch(): Promise<void>;
declare function reload(): void;
declare const session: { accessToken(): Promise<string> };
declare function openUnderAnotherId(): void;
declare const deviceId: string;
declare const token: string;
interface Storage { [name: string]: any }
`;

const CONFIG = {
  compilerOptions: {
    noEmit: true,
    allowJs: true,
    checkJs: true,
    // What people type into a page has no types: what is wrong with names, calls and imports is found all the same.
    strict: false,
    jsx: "react-jsx",
    target: "esnext",
    module: "nodenext",
    lib: ["esnext", "dom", "dom.iterable", "dom.asynciterable"],
    types: ["node"],
    moduleDetection: "force",
    skipLibCheck: true,
    // What npm installs, and what an edge serves.
    allowImportingTsExtensions: true,
    paths: {
      "@sluice/client": ["../../services/client/client.ts"],
      "@sluice/client/regions": ["../../services/client/regions/connect-regions.ts"],
      "@sluice/client/react": ["../../services/client/frameworks/react.ts"],
      "@sluice/client/vue": ["../../services/client/frameworks/vue.ts"],
      "@sluice/client/svelte": ["../../services/client/frameworks/svelte.ts"],
      "@sluice/client/testing": ["../../services/client/testing/fake-edge.ts"],
      "https://events.example.com/client/v1.js": ["../../services/client/client.ts"],
    },
  },
  include: ["*"],
};

/** Has the compiler look at the blocks as modules, each by itself, and answers what it says, by the place of the block. */
export async function checkTypes(blocks: readonly Block[]): Promise<string[]> {
  await mkdir(FOLDER, { recursive: true });
  const folder = await mkdtemp(join(FOLDER, "blocks-"));
  try {
    for (const [index, block] of blocks.entries()) {
      await writeFile(join(folder, `block${index}.${endOf(block)}`), programOf(block));
    }
    await writeFile(join(folder, "readers-own.d.ts"), READERS_OWN);
    await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(CONFIG));
    const tsc = fileURLToPath(new URL("../../node_modules/.bin/tsc", import.meta.url));
    const { stdout } = await promisify(execFile)(tsc, ["-p", folder, "--pretty", "false"]).catch(
      (error: { stdout: string }) => error,
    );
    const said = [...stdout.matchAll(/block(\d+)\.\w+\((\d+),\d+\): error (.*)/g)];
    if (stdout !== "" && said.length === 0) throw new Error(stdout);
    return said.map(([, index, line, message]) => {
      const block = blocks[Number(index)];
      return block === undefined ? "" : `${placeOf({ ...block, line: block.line + Number(line) })}: ${message ?? ""}`;
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

function endOf({ language }: Block): string {
  return language === "html" ? "js" : language;
}

/** The scripts of a page, at the lines where they stand in it. */
function programOf({ language, text }: Block): string {
  if (language !== "html") return text;
  const scripts = text.matchAll(/(?<=<script[^>]*>).*?(?=<\/script>)/gs);
  let program = "";
  for (const { 0: script, index } of scripts) {
    const lines = text.slice(0, index).split("\n").length - program.split("\n").length;
    program += "\n".repeat(lines) + script;
  }
  return program;
}
