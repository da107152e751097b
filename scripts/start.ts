import { mkdir } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import { buildServices } from "./build/build-services.ts";
import { ensureClient } from "./client/build-client.ts";
import { ensureConsole } from "./console/build-console.ts";
import { ensureDocs } from "./docs/build-docs.ts";
import { natsServer, redisServer } from "./provision/programs.ts";
import { provision } from "./provision/provision.ts";
import { dataFolder } from "./shared/data-folder.ts";
import { readEnvironment } from "./shared/env-file.ts";
import { readPortOffset, readPorts } from "./shared/read-ports.ts";
import { runScript, say } from "./shared/run-script.ts";
import { keepServer } from "./start/child-server.ts";
import { demoServers } from "./start/demo-servers.ts";
import { requireFreePorts } from "./start/ports.ts";
import { requireSettings } from "./start/require-settings.ts";
import { welcome } from "./start/welcome.ts";

// `npm start`: gets what is missing, runs the demo until Ctrl-C, and leaves nothing running.
await runScript(async () => {
  const home = resolve(".sluice");
  const { env: given, origins } = await readEnvironment(process.env);
  const path = given["PATH"] ?? "";
  const ports = readPorts(given);
  requireSettings(ports, given, origins);
  await requireFreePorts(ports);
  await provision([natsServer, redisServer], { home, path, say });
  await buildServices();
  await ensureConsole(say);
  await ensureClient(say);
  await ensureDocs(say);
  const data = dataFolder(given);
  for (const folder of ["nats", "redis", "logs"]) await mkdir(join(data, folder), { recursive: true });
  const env = { ...given, PATH: join(home, "bin") + delimiter + path };

  const interrupted = untilInterrupted();
  await using servers = new AsyncDisposableStack();
  const failures: Promise<never>[] = [];
  for (const row of await demoServers(ports, data, env)) {
    say(`starting ${row.map(({ name }) => name).join(" and ")} …`);
    const started = row.map((server) => servers.use(keepServer(server, join(data, "logs"), say)));
    failures.push(...started.map(({ failed }) => failed));
    const ready = Promise.all(started.map((server) => server.ready));
    if ((await Promise.race([ready, interrupted, ...failures])) === "interrupted") return 0;
  }
  say(welcome(ports, data, readPortOffset(given)));
  await Promise.race([interrupted, ...failures]);
  say("stopping …");
  return 0;
});

/** Settles when somebody asks to stop. The handlers stay: npm and the terminal may each pass on the same Ctrl-C. */
function untilInterrupted(): Promise<"interrupted"> {
  return new Promise((settle) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => settle("interrupted"));
  });
}
