import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTree } from "./shared/read-tree.ts";
import { requireCommand, runCommand } from "./shared/run-command.ts";
import { runScript, say, ScriptError } from "./shared/run-script.ts";

// `npm run proto`: the protocol files keep buf's rules, break no promise made on main, and proto/gen is what they generate.
await runScript(async () => {
  await requireCommand("buf", ["lint", "proto"]);
  await requireUnbroken();
  await requireFresh();
  say("proto: linted, compatible, generated code fresh");
  return 0;
});

async function requireUnbroken(): Promise<void> {
  const base = await findBase();
  if (base === undefined) return say("proto: no earlier commit on main to compare with");
  await requireCommand("buf", ["breaking", "proto", "--against", `.git#ref=${base},subdir=proto`]);
}

/** The last commit on main before this one, if it has protocol files. */
async function findBase(): Promise<string | undefined> {
  const [head, main] = [await findCommit("HEAD"), (await findCommit("origin/main")) ?? (await findCommit("main"))];
  const base = main === head ? await findCommit("HEAD~1") : main;
  if (base === undefined) return undefined;
  const { code } = await runCommand("git", ["cat-file", "-e", `${base}:proto/buf.yaml`]);
  return code === 0 ? base : undefined;
}

async function findCommit(name: string): Promise<string | undefined> {
  const { code, stdout } = await runCommand("git", ["rev-parse", "--verify", "--quiet", `${name}^{commit}`]);
  return code === 0 ? stdout.trim() : undefined;
}

async function requireFresh(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-gen-"));
  try {
    await requireCommand("buf", ["generate", "proto", "--template", "proto/buf.gen.yaml", "-o", folder]);
    const set = join(folder, "gen", "descriptor-set.binpb");
    await requireCommand("buf", ["build", "proto", "--as-file-descriptor-set", "--exclude-source-info", "-o", set]);
    const [fresh, committed] = await Promise.all([readTree(join(folder, "gen")), readTree("proto/gen")]);
    const stale = [...new Set([...fresh.keys(), ...committed.keys()])].filter(
      (file) => fresh.get(file) !== committed.get(file),
    );
    if (stale.length > 0)
      throw new ScriptError(`not what the protocol files generate; run npm run gen:\n  ${stale.join("\n  ")}`);
  } finally {
    await rm(folder, { recursive: true });
  }
}
