import { readFile } from "node:fs/promises";
import { requireHelm } from "./chart/require-helm.ts";
import { moveVersion } from "./release/move-version.ts";
import { projectPath } from "./shared/project-folder.ts";
import { requireCommand } from "./shared/run-command.ts";
import { runScript, say, ScriptError } from "./shared/run-script.ts";

const HERE = { cwd: projectPath() };

// `npm run release -- minor` (or patch, major, 1.2.3): `npm version`, and whatever else names the version or follows from it, in one commit with
// a tag. Nothing leaves this clone.
await runScript(async () => {
  const [wanted] = process.argv.slice(2);
  if (wanted === undefined) throw new ScriptError("say which: npm run release -- patch, minor, major or a version");
  if ((await requireCommand("git", ["status", "--porcelain"], HERE)) !== "") {
    throw new ScriptError("something is not committed: it would be part of the release");
  }
  await requireHelm();
  await requireCommand("npm", ["version", wanted, "--no-git-tag-version"], HERE);
  const { version } = JSON.parse(await readFile(projectPath("package.json"), "utf8")) as { readonly version: string };
  await moveVersion(version, new Date());
  say("what follows from the version: documents, the chart, its renders …");
  for (const script of ["gen", "chart"]) await requireCommand("npm", ["run", script], HERE);
  await requireCommand("git", ["commit", "--all", "--message", version], HERE);
  await requireCommand("git", ["tag", "--annotate", `v${version}`, "--message", version], HERE);
  say(`all is ${version}, committed and tagged`);
  return 0;
});
