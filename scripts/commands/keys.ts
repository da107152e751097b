import type { Command } from "commander";
import { z } from "zod";
import { commonSettings, readConfig } from "#shared/config/read-config.ts";
import type { KeyRingStore } from "../../services/auth/keys/follow-key-ring.ts";
import { openKeyRingStore } from "../../services/auth/keys/key-ring-kv.ts";
import { listKeys, requestRotation, withdrawKey, type RingAnswer } from "../keys/ring.ts";
import { createCommand, createGroup, type Terminal } from "../shared/command.ts";
import { connectBus } from "../shared/connect-bus.ts";

const settingsSchema = z.object({ NATS_REPLICAS: commonSettings.NATS_REPLICAS });

/** `sluice keys`: looks at and turns the keys that sign access tokens. */
export function keysCommand(terminal: Terminal): Command {
  const description = `The keys that sign access tokens, in the store that all auth processes share.

NATS_URL says where NATS is, with the user of auth; without it these commands go to the demo that npm start runs.`;
  const commands = [listCommand(terminal), rotateCommand(terminal), withdrawCommand(terminal)];
  return createGroup("keys", "list, rotate and withdraw the keys that sign tokens", description, commands);
}

function listCommand(terminal: Terminal): Command {
  return createCommand("list", {
    summary: "list every key, its state and its times",
    description: "Lists every key, its state and its times.",
    examples: ["npx sluice keys list"],
  }).action(() => withStore(terminal, listKeys));
}

function rotateCommand(terminal: Terminal): Command {
  return createCommand("rotate", {
    summary: "have the next key sign",
    description:
      "The next key signs as soon as it has been published for AUTH_KEY_PUBLISH_SECONDS. No token is refused.",
    examples: ["npx sluice keys rotate"],
  }).action(() => withStore(terminal, requestRotation));
}

function withdrawCommand(terminal: Terminal): Command {
  return (
    createCommand("withdraw", {
      summary: "take a compromised key out of use, for good",
      description:
        "Takes a compromised key out of use for good. Its tokens are refused and its streams end within seconds.",
      examples: [`npx sluice keys withdraw "$KID"   # KID: an id that list prints`],
    })
      .argument("<kid>", "the key's id")
      // A key's id may begin with a dash.
      .allowUnknownOption()
      .action((kid: string) => withStore(terminal, (store) => withdrawKey(store, kid, Date.now())))
  );
}

async function withStore({ env, print }: Terminal, work: (store: KeyRingStore) => Promise<RingAnswer>): Promise<void> {
  const { NATS_REPLICAS: replicas } = readConfig(settingsSchema, env);
  await using stack = new AsyncDisposableStack();
  const nats = stack.adopt(await connectBus("auth", env), (connection) => connection.close());
  const { result, text } = await work(await openKeyRingStore(nats, { replicas }));
  print(result, text);
}
