import type { Command } from "commander";
import { silentTerminal } from "../shared/silent-terminal.ts";
import { createSluice } from "./run-sluice.ts";

const HEAD = `# The sluice command

\`npx sluice\` in a clone, on any Node from 18 on; \`sluice\` in the containers, such as \`docker compose run --rm tools sluice …\`.
Every command has \`--help\`, which is what stands here. Exit codes: 0 when the work is done, 1 when it failed, 2 when the
command line is wrong. Results go to stdout, everything else to stderr.

This page is written by \`npm run gen\`.
`;

/** The page of the documentation that lists every command with its options. */
export function commandLinePage(): string {
  const [, ...commands] = flatten(createSluice(silentTerminal()), "");
  const sections = commands.map(({ name, command }) => `## ${name}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`);
  return [HEAD, ...sections].join("\n");
}

interface NamedCommand {
  readonly name: string;
  readonly command: Command;
}

/** A command and all below it. */
function flatten(command: Command, above: string): NamedCommand[] {
  const name = `${above} ${command.name()}`.trimStart();
  return [{ name, command }, ...command.commands.flatMap((each) => flatten(each, name))];
}

/** The help as the terminal shows it, its examples too, which commander adds only when it prints. */
function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => void (text += part) });
  command.outputHelp();
  return text.trimEnd();
}
