import { BootError } from "#shared/config/read-config.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { connectNats, drainNats } from "#shared/nats/connect-nats.ts";
import { openKeyRingStore } from "../services/auth/keys/key-ring-kv.ts";
import { parseKeysCommand, readKeysSettings, USAGE } from "./keys/command.ts";
import { listKeys, requestRotation, withdrawKey } from "./keys/ring.ts";
import { runScript, say, ScriptError } from "./shared/run-script.ts";

// `npm run keys -- list | rotate | withdraw <kid>`: looks at and turns the keys that sign access tokens.
await runScript(async () => {
  const command = parseKeysCommand(process.argv.slice(2));
  if (command.name === "help") {
    say(USAGE);
    return 0;
  }
  try {
    const settings = readKeysSettings(process.env);
    await using stack = new AsyncDisposableStack();
    const nats = stack.adopt(await connectNats(settings.NATS_URL, "keys", createLogger("keys", "warn")), drainNats);
    const store = await openKeyRingStore(nats, { replicas: settings.NATS_REPLICAS });
    if (command.name === "withdraw") say(await withdrawKey(store, command.kid, Date.now()));
    else say(await (command.name === "rotate" ? requestRotation(store) : listKeys(store)));
    return 0;
  } catch (error) {
    throw error instanceof BootError ? new ScriptError(error.message) : error;
  }
});
