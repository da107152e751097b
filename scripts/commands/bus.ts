import { join } from "node:path";
import { parseBusCommand, USAGE } from "./bus/command.ts";
import { addProducer, listProducers, removeProducer } from "./bus/producers.ts";
import { reloadServer } from "./bus/reload-server.ts";
import { runScript, say } from "./shared/run-script.ts";

/** For a server that runs elsewhere. */
const RELOAD_IT = `nats-server takes this up when it starts, or is told to, twice, with a second between:
  docker compose kill -s HUP nats
  nats-server --signal reload=<pid>`;

// `npm run bus -- list | add <tenant> | remove <tenant>`: who may publish events on the bus.
await runScript(async () => {
  const command = parseBusCommand(process.argv.slice(2));
  if (command.name === "help") {
    say(USAGE);
    return 0;
  }
  const { directory, pidFile = defaultPidFile() } = command;
  if (command.name === "list") {
    for (const tenant of await listProducers(directory)) say(tenant);
    return 0;
  }
  if (command.name === "add") {
    const { publicKey, seed } = await addProducer(directory, command.tenant);
    say(`${command.tenant} has producers on the bus, known by the key ${publicKey}.`);
    say(`Their seed is shown this once and stands nowhere else:\n\n  ${seed}\n`);
  } else {
    await removeProducer(directory, command.tenant);
    say(`${command.tenant} has no producers on the bus any more.`);
  }
  const isReloaded = await reloadServer(pidFile);
  say(isReloaded ? "nats-server was told, and has read it." : RELOAD_IT);
  return 0;
});

/** Where the server that `npm start` runs says who it is. */
function defaultPidFile(): string {
  return join(process.env["SLUICE_DATA_DIR"] || ".sluice/data", "nats", "nats-server.pid");
}
