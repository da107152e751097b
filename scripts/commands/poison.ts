// Lists the entries of a tenant's log that nobody can be shown: npm run poison -- --tenant demo [--from 1200] [--show 1234]
import { parseArgs } from "node:util";
import { jetstreamManager } from "@nats-io/jetstream";
import { isName } from "#shared/contract/names.ts";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import { describePoison, findPoison, printable } from "./poison/find-poison.ts";
import { connectBus } from "./shared/connect-bus.ts";
import { runScript, say, ScriptError } from "./shared/run-script.ts";

/** What the edge passes by default; STREAM_EVENT_MAX_BYTES sets another. */
const MAX_EVENT_BYTES = Number(process.env["STREAM_EVENT_MAX_BYTES"] ?? 1024 * 1024);

await runScript(async () => {
  const { tenant, from, show } = readOptions();
  await using stack = new AsyncDisposableStack();
  const nats = stack.adopt(await connectBus("policy"), (connection) => connection.close());
  const manager = await jetstreamManager(nats, { checkAPI: false });
  const { state } = await manager.streams.info(logStreamName(tenant)).catch((error: Error) => {
    throw new ScriptError(`the log of tenant ${tenant} cannot be read: ${error.message}`);
  });
  if (show !== undefined) {
    const message = await manager.streams.getMessage(logStreamName(tenant), { seq: show });
    if (message === null)
      throw new ScriptError(`there is no entry ${show}; the log holds ${state.first_seq} to ${state.last_seq}`);
    say(printable(message.data));
    return 0;
  }
  let found = 0;
  const progress = (seq: number): void => void process.stderr.write(`read up to ${seq} of ${state.last_seq}\n`);
  for await (const entry of findPoison(manager, {
    tenant,
    from,
    to: state.last_seq,
    maxEventBytes: MAX_EVENT_BYTES,
    progress,
  })) {
    found += 1;
    say(describePoison(entry));
  }
  process.stderr.write(`${found} of ${state.messages} entries cannot be shown\n`);
  return 0;
});

function readOptions(): { tenant: string; from: number; show: number | undefined } {
  const { tenant = "", from, show } = parseOptions();
  if (!isName(tenant)) throw new ScriptError("say whose log: npm run poison -- --tenant demo");
  return { tenant, from: sequenceOf("--from", from) ?? 1, show: sequenceOf("--show", show) };
}

function sequenceOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seq = Number(text);
  if (Number.isSafeInteger(seq) && seq > 0) return seq;
  throw new ScriptError(`${option} takes a sequence, the number in the middle of an event's id`);
}

function parseOptions() {
  try {
    const options = { tenant: { type: "string" }, from: { type: "string" }, show: { type: "string" } } as const;
    return parseArgs({ options }).values;
  } catch (error) {
    throw new ScriptError((error as Error).message);
  }
}
