import { delimiter } from "node:path";
import { writeFile } from "node:fs/promises";
import { projectPath } from "./shared/project-folder.ts";
import { requireCommand } from "./shared/run-command.ts";
import { runScript, say } from "./shared/run-script.ts";

const POLICY_SCHEMA = projectPath("infra", "policies", "policy.schema.json");
const DESCRIPTORS = ["build", "--as-file-descriptor-set", "--exclude-source-info", "-o", "gen/descriptor-set.binpb"];

// `npm run gen`: writes every file that follows from others anew. `-- --breaking` accepts what breaks those who call the APIs.
await runScript(async () => {
  process.env["PATH"] = projectPath("node_modules", ".bin") + delimiter + (process.env["PATH"] ?? "");
  say("code and descriptors of proto/ …");
  await requireCommand("buf", ["generate"], { cwd: projectPath("proto") });
  await requireCommand("buf", DESCRIPTORS, { cwd: projectPath("proto") });
  say("the schema of policies, pages of commands, settings and providers, dashboards, the chart …");
  await writeFile(POLICY_SCHEMA, await node("scripts/sluice.ts", "policy", "schema"));
  await node("scripts/write-command-line.ts");
  await node("scripts/sluice.ts", "config", "docs");
  await node("test/support/providers/write-provider-table.ts");
  await node("scripts/write-dashboards.ts");
  await node("scripts/write-chart.ts");
  say("descriptions of the APIs …");
  await node("scripts/write-apis.ts", ...process.argv.slice(2));
  await requireCommand("oxfmt", ["docs/reference", "infra", "services/shared/config"]);
  return 0;
});

function node(...args: readonly string[]): Promise<string> {
  return requireCommand(process.execPath, args);
}
