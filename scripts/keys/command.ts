import { z } from "zod";
import { commonSettings, readConfig } from "#shared/config/read-config.ts";
import { ScriptError } from "../shared/run-script.ts";

/** What `npm run keys` is asked to do. */
export type KeysCommand =
  | { readonly name: "help" | "list" | "rotate" }
  | { readonly name: "withdraw"; readonly kid: string };

/** How to use it. */
export const USAGE = `usage: npm run keys -- list | rotate | withdraw <kid>

The keys that sign access tokens, in the store that all auth processes share.

  list             every key, its state and its times
  rotate           the next key signs as soon as it has been published for AUTH_KEY_PUBLISH_SECONDS
  withdraw <kid>   for a key that is compromised: its tokens are refused and its streams end within seconds, for good

NATS_URL says where NATS is, with the user of auth; in the demo: nats://auth:sluice-demo-auth@127.0.0.1:4222`;

/**
 * Reads the command line. A key's id may begin with a dash, so nothing here is an option.
 * @throws {ScriptError} with how to use it.
 */
export function parseKeysCommand(args: readonly string[]): KeysCommand {
  const [name, kid, ...more] = args;
  if (name === "withdraw" && kid !== undefined && more.length === 0) return { name, kid };
  if ((name === "list" || name === "rotate") && kid === undefined) return { name };
  if (name === "--help" || name === "-h" || name === undefined) return { name: "help" };
  throw new ScriptError(`this is not understood: ${args.join(" ")}\n\n${USAGE}`);
}

/** Reads where the store is; throws BootError naming what is wrong. */
export function readKeysSettings(env: NodeJS.ProcessEnv) {
  return readConfig(z.object(commonSettings), env);
}
