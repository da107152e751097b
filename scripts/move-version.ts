import manifest from "../package.json" with { type: "json" };
import { moveVersion } from "./release/move-version.ts";
import { requireCommand } from "./shared/run-command.ts";
import { runScript, say } from "./shared/run-script.ts";
import { projectPath } from "./shared/project-folder.ts";

// `npm version <x>` runs this between its change of package.json and its commit: whatever else names the version is moved to it.
await runScript(async () => {
  await moveVersion(manifest.version, new Date());
  say("what follows from the version: documents, the chart, its renders …");
  for (const script of ["gen", "chart"]) await requireCommand("npm", ["run", script], { cwd: projectPath() });
  await requireCommand("git", ["add", "--update"], { cwd: projectPath() });
  say(`all is ${manifest.version}`);
  return 0;
});
