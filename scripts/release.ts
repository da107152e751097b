import { requireHelm } from "./chart/require-helm.ts";
import { makeRelease } from "./release/make-release.ts";
import { projectPath } from "./shared/project-folder.ts";
import { requireCommand } from "./shared/run-command.ts";
import { runScript, say } from "./shared/run-script.ts";

// What Ctrl-C ends are the commands that run: their failure takes back what was changed.
process.on("SIGINT", () => undefined);

// `npm run release -- minor` (or patch, major, 1.2.3): `npm version`, and whatever else names the version or follows from it, in one commit with
// a tag. Nothing leaves this clone.
await runScript(async () => {
  await requireHelm();
  const version = await makeRelease(process.argv[2] ?? "", projectPath(), async () => {
    say("what follows from the version: documents, the chart, its renders …");
    for (const script of ["gen", "chart"]) await requireCommand("npm", ["run", script], { cwd: projectPath() });
  });
  say(`all is ${version}, committed and tagged`);
  return 0;
});
