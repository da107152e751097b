import { parseArgs } from "node:util";
import { isName } from "#shared/protocol/names.ts";
import { ScriptError } from "../shared/run-script.ts";

/** What `npm run bus` is asked to do; `directory` holds nats.conf. */
export type BusCommand =
  | { readonly name: "help" }
  | ({ readonly name: "list" } & Places)
  | ({ readonly name: "add" | "remove"; readonly tenant: string } & Places);

interface Places {
  readonly directory: string;
  readonly pidFile: string | undefined;
}

/** How to use it. */
export const USAGE = `usage: npm run bus -- list | add <tenant> | remove <tenant>

The accounts of producers: each may publish events of one tenant on the bus, and nothing else.

  list              the tenants that have one
  add <tenant>      makes one, and prints the seed of its key, once
  remove <tenant>   takes it away; whoever is connected by it is cut off

  --dir <folder>       where nats.conf is (infra/nats)
  --pid-file <file>    where the server to reload says who it is; without it the one that npm start runs`;

const options = { dir: { type: "string", default: "infra/nats" }, "pid-file": { type: "string" } } as const;

/** The accounts of infra/nats/nats.conf that are no tenant's. */
const OURS = ["SLUICE", "EDGE", "SYS"];

/**
 * Reads the command line.
 * @throws {ScriptError} with how to use it.
 */
export function parseBusCommand(args: readonly string[]): BusCommand {
  const { values, positionals } = read(args);
  const [name, tenant, ...more] = positionals;
  const places = { directory: values.dir, pidFile: values["pid-file"] };
  if (name === undefined) return { name: "help" };
  if (name === "list" && tenant === undefined) return { name, ...places };
  if ((name !== "add" && name !== "remove") || tenant === undefined || more.length > 0) {
    throw new ScriptError(`this is not understood: ${args.join(" ")}\n\n${USAGE}`);
  }
  if (!isName(tenant)) throw new ScriptError("a tenant's name is 1 to 64 of A-Z a-z 0-9 _ -");
  if (OURS.includes(tenant)) throw new ScriptError(`the account ${tenant} is one of Sluice's own`);
  return { name, tenant, ...places };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new ScriptError(`${(error as Error).message}\n\n${USAGE}`);
  }
}
