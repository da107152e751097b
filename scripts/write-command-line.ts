import { mkdir, writeFile } from "node:fs/promises";
import { commandLinePage } from "./commands/command-line-page.ts";
import { runScript } from "./shared/run-script.ts";

// A part of `npm run gen`: writes docs/reference/command-line.md.
await runScript(async () => {
  await mkdir("docs/reference", { recursive: true });
  await writeFile("docs/reference/command-line.md", commandLinePage());
  return 0;
});
