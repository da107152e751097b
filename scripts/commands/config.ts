import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { plainDescription } from "#shared/config/setting-meta.ts";
import { checkSettings } from "../config/check-settings.ts";
import { describeSettings, type DescribedSetting } from "../config/describe-settings.ts";
import { readRunningSettings } from "../config/running-settings.ts";
import { OWNERS, type SettingsOwner } from "../config/services.ts";
import { writtenFiles } from "../config/written-files.ts";
import { demoSettings, readPasswords } from "../demo-settings.ts";
import { createCommand, createGroup, readOptions, type Terminal } from "../shared/command.ts";
import { type Environment, parseEnvFile } from "../shared/env-file.ts";
import { projectPath } from "../shared/project-folder.ts";
import { readPorts } from "../shared/read-ports.ts";
import { readText } from "../shared/read-text.ts";
import { UsageError } from "../shared/run-script.ts";
import { SERVICES } from "../shared/service-calls.ts";

const optionsSchema = z.object({
  envFile: z.string().optional(),
  demo: z.boolean().default(false),
  set: z.boolean().default(false),
  running: z.boolean().default(false),
});
type ConfigOptions = z.infer<typeof optionsSchema>;

/** `sluice config`: what the services are set to. */
export function configCommand(terminal: Terminal): Command {
  const description = `The settings of the services, which are environment variables. These commands read the variables that they are called with and the file .env: call them where the service runs, or give them its file. With --running, config list asks the service itself.`;
  return createGroup("config", "print and check the settings of the services", description, [
    listCommand(terminal),
    checkCommand(terminal),
    docsCommand(terminal),
  ]);
}

function listCommand(terminal: Terminal): Command {
  const command = createCommand("list", {
    summary: "print every setting: its value, where that comes from, its default and meaning",
    description: `Prints every setting of a service, of the tools (npm start, compose and this command), or of all: its value, where the value comes from (the environment, or a file and its line), its default where that is another one, and what it means. Secrets are hidden.

With --running it prints what the process that answers at the service's operations port was started with: AUTH_OPS_URL and so on say where that is.`,
    examples: [
      "npx sluice config list stream --demo",
      "npx sluice config list --env-file sluice.env --set --json",
      "npx sluice config list stream --running --set",
    ],
  })
    .argument("[service]", "auth, policy, publish, stream or tools; else all")
    .option("--set", "only those that are set, or that must be set and are not")
    .option("--running", "of the process that runs, not of this environment");
  return withEnvironment(command).action(async (service: string | undefined, given: unknown) => {
    const options = readOptions(optionsSchema, given);
    if (options.running && (options.demo || options.envFile !== undefined)) {
      throw new UsageError("--running asks the process: --demo and --env-file mean nothing to it");
    }
    const owners: readonly SettingsOwner[] = options.running ? SERVICES : OWNERS;
    for (const name of chosenOf(owners, service)) {
      const settings = await settingsOf(name, options, terminal);
      for (const setting of settings) if (!options.set || isSet(setting)) printSetting(setting, terminal);
    }
  });
}

function isSet({ source }: DescribedSetting): boolean {
  return source !== "default" && source !== "none";
}

async function settingsOf(
  owner: SettingsOwner,
  options: ConfigOptions,
  terminal: Terminal,
): Promise<DescribedSetting[]> {
  if (options.running && owner !== "tools") return readRunningSettings(owner, terminal.env);
  const { env, origins } = await environmentOf(owner, options, terminal);
  return describeSettings(owner, env, origins);
}

function printSetting(setting: DescribedSetting, { print }: Terminal): void {
  const { service, name, value, source, default: byDefault, meaning, see } = setting;
  const from = source === "missing" ? "must be set, and is not" : `${value ?? "not set"} (${source})`;
  const instead =
    source !== "default" && byDefault !== undefined && byDefault !== value ? `, default ${byDefault}` : "";
  const more = see === undefined ? "" : `; more: docs/${see}`;
  print(setting, `${service}  ${name}  ${from}${instead}\n    ${plainDescription({ description: meaning })}${more}`);
}

function checkCommand(terminal: Terminal): Command {
  const { print, endWith } = terminal;
  const command = createCommand("check", {
    summary: "say what is wrong with the settings",
    description: `Reads the settings as a start of the service does, and says everything that is wrong with them, with the file and the line where a file sets it; and which variables look like settings and are none. No server is asked, and files that settings name are not opened. Ends with 1 where a service would not start.`,
    examples: ["npx sluice config check --demo", "npx sluice config check stream --env-file stream.env"],
  }).argument("[service]", "auth, policy, publish or stream; else all");
  return withEnvironment(command).action(async (service: string | undefined, given: unknown) => {
    const options = readOptions(optionsSchema, given);
    for (const name of chosenOf(SERVICES, service)) {
      const { env, origins } = await environmentOf(name, options, terminal);
      const faults = checkSettings(name, env, origins);
      for (const fault of faults) print({ service: name, ...fault }, `${name}: ${fault.kind}: ${fault.message}`);
      if (faults.some(({ kind }) => kind === "error")) endWith(1);
      else print({ service: name, starts: true }, `${name}: would start`);
    }
  });
}

function docsCommand({ print }: Terminal): Command {
  return createCommand("docs", {
    summary: "write what the documentation says of all settings",
    description:
      "Writes the pages and the JSON Schemas of the settings, .env.example, and the list of names that services know, from the schemas by which the services read their settings. It is a part of npm run gen.",
    examples: ["npx sluice config docs"],
  }).action(async () => {
    for (const { path, text } of await writtenFiles()) {
      await mkdir(dirname(projectPath(path)), { recursive: true });
      await writeFile(projectPath(path), text);
      print({ path }, `${path} is written`);
    }
  });
}

function withEnvironment(command: Command): Command {
  return command
    .option("--env-file <file>", "read the variables from this file, and none that this command is called with")
    .option("--demo", "with what npm start sets");
}

function chosenOf<Owner extends SettingsOwner>(all: readonly Owner[], given: string | undefined): readonly Owner[] {
  if (given === undefined) return all;
  const owner = all.find((each) => each === given);
  if (owner === undefined) throw new UsageError(`the service is one of ${all.join(", ")}`);
  return [owner];
}

async function environmentOf(
  owner: SettingsOwner,
  { envFile, demo }: ConfigOptions,
  terminal: Terminal,
): Promise<Environment> {
  const given = envFile === undefined ? terminal : parseEnvFile(await readText(envFile), envFile);
  if (!demo || owner === "tools") return given;
  const byDemo = demoSettings(readPorts(given.env), readPasswords(given.env))[owner];
  return { env: { ...byDemo, ...given.env }, origins: given.origins };
}
