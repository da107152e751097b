import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildServices } from "./build/build-services.ts";
import { ensureClient } from "./client/build-client.ts";
import { ensureConsole } from "./console/build-console.ts";
import { ensureDocs } from "./docs/build-docs.ts";
import { demoSettings, readClusterPasswords, readPasswords } from "./demo-settings.ts";
import { haproxy, natsServer, redisServer } from "./provision/programs.ts";
import { provision } from "./provision/provision.ts";
import { dataFolder } from "./shared/data-folder.ts";
import { readEnvironment } from "./shared/env-file.ts";
import { readPortOffset, readPorts } from "./shared/read-ports.ts";
import { runScript, say, ScriptError } from "./shared/run-script.ts";
import { untilInterrupted } from "./shared/until-interrupted.ts";
import { keepServer } from "./start/child-server.ts";
import { clusterServers } from "./start/cluster-servers.ts";
import { clusterSettings, furtherPorts } from "./start/cluster-settings.ts";
import { demoServers } from "./start/demo-servers.ts";
import { requireFreePorts } from "./start/ports.ts";
import { requireSettings } from "./start/require-settings.ts";
import { welcome } from "./start/welcome.ts";

const USAGE = `npm start [-- --cluster]

Runs the demo on this machine until Ctrl-C.

  --cluster   three of NATS, two of Redis with Sentinels, two of each service, and a proxy in front
  --help      says this
`;

// `npm start`: gets what is missing, runs the demo until Ctrl-C, and leaves nothing running.
await runScript(async () => {
  const { cluster: isCluster, help } = readArguments();
  if (help) return print(USAGE);
  const home = resolve(".sluice");
  const { env: given, origins } = await readEnvironment(process.env);
  const path = given["PATH"] ?? "";
  const ports = readPorts(given);
  const passwords = { ...readPasswords(given), ...readClusterPasswords(given) };
  requireSettings(isCluster ? clusterSettings(ports, passwords) : demoSettings(ports, passwords), given, origins);
  await requireFreePorts(ports, isCluster ? furtherPorts(ports) : []);
  await provision([natsServer, redisServer, ...(isCluster ? [haproxy] : [])], { home, path, say });
  await buildServices();
  await ensureConsole(say);
  await ensureClient(say);
  await ensureDocs(say);
  const data = isCluster ? join(dataFolder(given), "cluster") : dataFolder(given);
  await mkdir(join(data, "logs"), { recursive: true });
  const env = { ...given, PATH: join(home, "bin") + delimiter + path };

  const interrupted = once(untilInterrupted(), "abort").then(() => "interrupted" as const);
  await using servers = new AsyncDisposableStack();
  const failures: Promise<never>[] = [];
  for (const row of await (isCluster ? clusterServers : demoServers)(ports, data, env)) {
    say(`starting ${listOf(row.map(({ name }) => name))} …`);
    const started = row.map((server) => servers.use(keepServer(server, join(data, "logs"), say)));
    failures.push(...started.map(({ failed }) => failed));
    const ready = Promise.all(started.map((server) => server.ready));
    if ((await Promise.race([ready, interrupted, ...failures])) === "interrupted") return 0;
  }
  say(welcome(ports, data, { portOffset: readPortOffset(given), isCluster }));
  await Promise.race([interrupted, ...failures]);
  say("stopping …");
  return 0;
});

function readArguments(): { readonly cluster: boolean; readonly help: boolean } {
  const flag = { type: "boolean", default: false } as const;
  try {
    return parseArgs({ options: { cluster: flag, help: { ...flag, short: "h" } } }).values;
  } catch (error) {
    throw new ScriptError(`${(error as Error).message}\n\n${USAGE}`);
  }
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function listOf(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
