import { parseArgs } from "node:util";
import { isName } from "#shared/protocol/names.ts";
import { DEFAULT_PORTS, DEMO_PASSWORD } from "../demo-settings.ts";
import { ScriptError } from "../shared/run-script.ts";

/** What `npm run demo:publish` is asked to do. */
export interface PublishOptions {
  readonly tenant: string;
  readonly ratePerSecond: number;
  /** How many events in all; undefined for one pass, Infinity until somebody stops it. */
  readonly count: number | undefined;
  /** `nats://user:password@host:port` */
  readonly natsUrl: string;
}

/** How to use it. */
export const USAGE = `usage: npm run demo:publish -- [--tenant demo] [--rate 20] [--count N | --once]

Replays 329 real GitHub webhook deliveries to NATS, over and over, until Ctrl-C.

  --tenant demo   whose events: demo or rival
  --rate 20       events per second, up to 10000
  --count N       stop after N events
  --once          stop after each delivery was published once

NATS_URL says where NATS is and who publishes, by default nats://demo:${DEMO_PASSWORD}@127.0.0.1:${DEFAULT_PORTS.NATS_PORT}.`;

const OPTIONS = {
  tenant: { type: "string", default: "demo" },
  rate: { type: "string", default: "20" },
  count: { type: "string" },
  once: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

/**
 * Reads the command line and the environment; undefined when help is asked for.
 * @throws {ScriptError} saying what is wrong.
 */
export function readPublishOptions(args: readonly string[], env: NodeJS.ProcessEnv): PublishOptions | undefined {
  const { tenant, rate, count, once, help } = parse(args);
  if (help) return undefined;
  if (!isName(tenant)) throw new ScriptError("--tenant must be 1 to 64 of the characters A-Z a-z 0-9 _ -");
  const ratePerSecond = Number(rate);
  if (!(ratePerSecond > 0 && ratePerSecond <= 10_000)) {
    throw new ScriptError(`--rate must be a number of events per second above 0, up to 10000, not "${rate}"`);
  }
  if (once && count !== undefined) throw new ScriptError("give either --count or --once");
  return { tenant, ratePerSecond, count: once ? undefined : readCount(count), natsUrl: natsUrlOf(tenant, env) };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true }).values;
  } catch (error) {
    throw new ScriptError(`${(error as Error).message}\n\n${USAGE}`);
  }
}

function readCount(text: string | undefined): number {
  if (text === undefined) return Infinity;
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new ScriptError(`--count must be a whole number of events above 0, not "${text}"`);
}

/** Each tenant's producers are a user named after it; NATS_PORT is what moves the port of `npm start`. */
function natsUrlOf(tenant: string, env: NodeJS.ProcessEnv): string {
  const port = env["NATS_PORT"] || DEFAULT_PORTS.NATS_PORT;
  const url = env["NATS_URL"] || `nats://${tenant}:${DEMO_PASSWORD}@127.0.0.1:${port}`;
  if (URL.canParse(url) && new URL(url).host !== "") return url;
  throw new ScriptError("NATS_URL must be a URL such as nats://user:password@127.0.0.1:4222");
}
