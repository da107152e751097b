import { readFile, writeFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import type { Command } from "commander";
import { z } from "zod";
import { BootError, type BootLog } from "#shared/config/read-config.ts";
import { describeSettings, type DescribedSetting } from "../config/describe-settings.ts";
import { plainText, readMeanings } from "../config/meanings.ts";
import { SERVICE_SETTINGS, SERVICES } from "../config/services.ts";
import { settingsPage } from "../config/settings-page.ts";
import { demoSettings, readPasswords } from "../demo-settings.ts";
import { createCommand, createGroup, readOptions, type Terminal } from "../shared/command.ts";
import { readPorts } from "../shared/read-ports.ts";
import { projectPath } from "../shared/project-folder.ts";
import { ScriptError, UsageError } from "../shared/run-script.ts";
import type { ServiceName } from "../shared/service-calls.ts";

const optionsSchema = z.object({
  envFile: z.string().optional(),
  demo: z.boolean().default(false),
  set: z.boolean().default(false),
});
type ConfigOptions = z.infer<typeof optionsSchema>;

/** `sluice config`: what the services are set to. */
export function configCommand(terminal: Terminal): Command {
  const description = `The settings of the services, which are environment variables. These commands read the variables that they are called with: call them where the service runs, or give them its file.`;
  return createGroup("config", "print and check the settings of the services", description, [
    listCommand(terminal),
    checkCommand(terminal),
    docsCommand(terminal),
  ]);
}

function listCommand(terminal: Terminal): Command {
  const command = createCommand("list", {
    summary: "print every setting: its value, where that comes from, its default and meaning",
    description: `Prints every setting of a service, or of all four: its value, where the value comes from, its default where that is another one, and what it means. Secrets are hidden.`,
    examples: ["npx sluice config list stream --demo", "npx sluice config list --env-file sluice.env --set --json"],
  })
    .argument("[service]", "auth, policy, publish or stream; else all")
    .option("--set", "only those that the environment sets, or that must be set and are not");
  return withEnvironment(command).action(async (service: string | undefined, given: unknown) => {
    const options = readOptions(optionsSchema, given);
    for (const name of servicesOf(service)) {
      const settings = describeSettings(
        name,
        await environmentOf(name, options, terminal.env),
        await readMeanings(name),
      );
      const shown = settings.filter(({ source }) => !options.set || source === "environment" || source === "missing");
      for (const setting of shown) printSetting(setting, terminal);
    }
  });
}

function printSetting(setting: DescribedSetting, { print }: Terminal): void {
  const { service, name, value, source, default: byDefault, meaning } = setting;
  const from = source === "missing" ? "must be set, and is not" : `${value ?? "not set"} (${source})`;
  const instead =
    source === "environment" && byDefault !== undefined && byDefault !== value ? `, default ${byDefault}` : "";
  const text = `${service}  ${name}  ${from}${instead}`;
  print(setting, meaning === undefined ? text : `${text}\n    ${plainText(meaning)}`);
}

function checkCommand(terminal: Terminal): Command {
  const { print, endWith } = terminal;
  const command = createCommand("check", {
    summary: "say what is wrong with the settings",
    description: `Reads the settings as a start of the service does, and says everything that is wrong with them; and which variables look like settings and are none. No server is asked, and files that settings name are not opened. Ends with 1 where a service would not start.`,
    examples: ["npx sluice config check --demo", "npx sluice config check stream --env-file stream.env"],
  }).argument("[service]", "auth, policy, publish or stream; else all");
  return withEnvironment(command).action(async (service: string | undefined, given: unknown) => {
    const options = readOptions(optionsSchema, given);
    for (const name of servicesOf(service)) {
      const faults = faultsOf(name, await environmentOf(name, options, terminal.env));
      for (const fault of faults) print({ service: name, ...fault }, `${name}: ${fault.kind}: ${fault.message}`);
      if (faults.some(({ kind }) => kind === "error")) endWith(1);
      else print({ service: name, starts: true }, `${name}: would start`);
    }
  });
}

interface Fault {
  readonly kind: "error" | "warning";
  readonly message: string;
}

function faultsOf(service: ServiceName, env: NodeJS.ProcessEnv): Fault[] {
  const faults: Fault[] = [];
  const log: BootLog = {
    info: () => undefined,
    warn(facts, message) {
      const { variable, nearest } = facts as { variable?: string; nearest?: string };
      const meant = nearest === undefined ? "" : `; is ${nearest} meant?`;
      faults.push({ kind: "warning", message: `${variable ?? ""}: ${message}${meant}` });
    },
  };
  try {
    SERVICE_SETTINGS[service].read(env, log);
  } catch (error) {
    if (!(error instanceof BootError)) throw error;
    const [, ...lines] = error.message.split("\n");
    const wrong = lines.length === 0 ? [error.message] : lines;
    faults.push(...wrong.map((line): Fault => ({ kind: "error", message: line.trim() })));
  }
  return faults;
}

function docsCommand({ print }: Terminal): Command {
  return createCommand("docs", {
    summary: "write the page of the documentation that lists all settings",
    description:
      "Writes docs/reference/settings.md from the schemas by which the services read their settings. It is a part of npm run gen.",
    examples: ["npx sluice config docs"],
  }).action(async () => {
    const path = projectPath("docs", "reference", "settings.md");
    await writeFile(path, await settingsPage());
    print({ path }, "docs/reference/settings.md is written");
  });
}

function withEnvironment(command: Command): Command {
  return command
    .option("--env-file <file>", "read the variables from this file, and none that this command is called with")
    .option("--demo", "with what npm start sets");
}

function servicesOf(given: string | undefined): readonly ServiceName[] {
  if (given === undefined) return SERVICES;
  const service = SERVICES.find((each) => each === given);
  if (service === undefined) throw new UsageError(`the service is one of ${SERVICES.join(", ")}`);
  return [service];
}

async function environmentOf(
  service: ServiceName,
  { envFile, demo }: ConfigOptions,
  env: NodeJS.ProcessEnv,
): Promise<NodeJS.ProcessEnv> {
  const given = envFile === undefined ? env : parseEnv(await readEnvFile(envFile));
  return demo ? { ...demoSettings(readPorts(given), readPasswords(given))[service], ...given } : given;
}

function readEnvFile(path: string): Promise<string> {
  return readFile(path, "utf8").catch((error: Error) => {
    throw new ScriptError(`${path} cannot be read: ${error.message}`);
  });
}
