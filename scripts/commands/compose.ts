import type { Command } from "commander";
import { createCommand, type Terminal } from "../shared/command.ts";
import { projectPath } from "../shared/project-folder.ts";
import { readComposePorts, readPortOffset } from "../shared/read-ports.ts";
import { runInTerminal } from "../shared/run-in-terminal.ts";
import { ScriptError } from "../shared/run-script.ts";

/** `sluice compose`: docker compose, with the ports that this environment means. */
export function composeCommand({ env, endWith }: Terminal): Command {
  return createCommand("compose", {
    summary: "run docker compose with all ports moved by SLUICE_PORT_OFFSET",
    description: `Runs docker compose in the project's folder, with a variable for each port: compose cannot add. With an offset the project is called sluice-<offset>, so that its containers and volumes are its own and two stacks run side by side. Everything behind the name of this command goes to docker compose.`,
    examples: ["SLUICE_PORT_OFFSET=10000 npx sluice compose up", "SLUICE_PORT_OFFSET=10000 npx sluice compose down"],
  })
    .argument("<words...>", "what docker compose is asked to do")
    .passThroughOptions()
    .allowUnknownOption()
    .action(async (words: readonly string[]) => {
      const options = { cwd: projectPath(), env: composeEnvironment(env) };
      const code = await runInTerminal("docker", ["compose", ...words], options).catch((error: Error) => {
        throw new ScriptError(`docker cannot be run: ${error.message}`);
      });
      endWith(code);
    });
}

/** What docker compose is run with: a port for each of its variables, and a project of its own where ports are moved. */
export function composeEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const offset = readPortOffset(env);
  const ports = Object.entries(readComposePorts(env)).map(([name, port]) => [name, String(port)] as const);
  const project = env["COMPOSE_PROJECT_NAME"] || (offset === 0 ? undefined : `sluice-${offset}`);
  return { ...env, ...Object.fromEntries(ports), ...(project === undefined ? {} : { COMPOSE_PROJECT_NAME: project }) };
}
