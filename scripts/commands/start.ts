import { existsSync } from "node:fs";
import type { Command } from "commander";
import { createCommand, type Terminal } from "../shared/command.ts";
import { projectPath } from "../shared/project-folder.ts";
import { runInTerminal } from "../shared/run-in-terminal.ts";
import { ScriptError } from "../shared/run-script.ts";

/** `sluice start`: runs the demo, as `npm start` does. */
export function startCommand({ env, origins, endWith }: Terminal): Command {
  const command = createCommand("start", {
    summary: "run the demo on this machine until Ctrl-C",
    description: `Runs nats-server, redis and the four services with the demo's tenants until Ctrl-C, as npm start does. What is missing is fetched into .sluice; data and logs are in SLUICE_DATA_DIR (.sluice/data). STREAM_HTTP_PORT and so on move the ports, SLUICE_PORT_OFFSET all of them, so that two stacks run side by side.`,
    examples: ["npx sluice start", "npx sluice start --cluster", "SLUICE_PORT_OFFSET=10000 npx sluice start"],
  }).option("--cluster", "three of NATS, two of Redis with Sentinels, two of each service, and a proxy in front");
  return command.action(async (options: { readonly cluster?: true }) => {
    const program = projectPath("scripts", "start.ts");
    if (!existsSync(program))
      throw new ScriptError("there is nothing to start here: the containers are started by docker compose up");
    // What a file sets, the program reads from there itself, and so can say where it stands.
    const given = Object.fromEntries(Object.entries(env).filter(([name]) => !origins.has(name)));
    const args = [program, ...(options.cluster === true ? ["--cluster"] : [])];
    endWith(await runInTerminal(process.execPath, args, { cwd: projectPath(), env: given }));
  });
}
