import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Command } from "commander";
import { z } from "zod";
import { integerSchema, readConfig } from "#shared/config/read-config.ts";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import { describePoison, findPoison, printable } from "../poison/find-poison.ts";
import { createCommand, readOptions, type Terminal } from "../shared/command.ts";
import { connectBus } from "../shared/connect-bus.ts";
import { ScriptError } from "../shared/run-script.ts";

const SEQUENCE_FAULT = "takes a sequence, the number in the middle of an event's id";
const sequenceSchema = z.coerce.number(SEQUENCE_FAULT).pipe(z.int(SEQUENCE_FAULT).positive(SEQUENCE_FAULT));
const optionsSchema = z.object({
  tenant: nameSchema,
  from: sequenceSchema.default(1),
  show: sequenceSchema.optional(),
});
type PoisonOptions = z.infer<typeof optionsSchema>;

const settingsSchema = z.object({
  STREAM_EVENT_MAX_BYTES: integerSchema(1, Number.MAX_SAFE_INTEGER)
    .default(1024 * 1024)
    .describe("the largest data of an event that the edges deliver"),
});

/** `sluice poison`: lists the entries of a tenant's log that no edge delivers. */
export function poisonCommand(terminal: Terminal): Command {
  return createCommand("poison", {
    summary: "list the entries of a tenant's log that cannot be delivered",
    description: `Lists the entries of a tenant's log that no edge delivers: their subject is no topic, they are not UTF-8, or they are too large: more than STREAM_EVENT_MAX_BYTES (1048576), or more than 16 KB or 64 of headers.

NATS_URL says where NATS is, with the user of policy; without it the command reads the demo that npm start runs.`,
    examples: ["npx sluice poison --tenant demo", "npx sluice poison --tenant demo --from 1200"],
  })
    .requiredOption("--tenant <name>", "the tenant whose log to read")
    .option("--from <sequence>", "begin with this entry (default: 1)")
    .option("--show <sequence>", "print this entry, whatever it is, with its unprintable bytes escaped")
    .action(async (given: unknown) => {
      const options = readOptions(optionsSchema, given);
      const { STREAM_EVENT_MAX_BYTES: maxEventBytes } = readConfig(settingsSchema, terminal.env);
      await using stack = new AsyncDisposableStack();
      const nats = stack.adopt(await connectBus("policy", terminal.env), (connection) => connection.close());
      const manager = await jetstreamManager(nats, { checkAPI: false });
      if (options.show === undefined) await listPoison(nats, manager, options, maxEventBytes, terminal);
      else await showEntry(manager, options.tenant, options.show, terminal);
    });
}

async function listPoison(
  nats: NatsConnection,
  manager: JetStreamManager,
  { tenant, from }: PoisonOptions,
  maxEventBytes: number,
  { print, warn }: Terminal,
): Promise<void> {
  const { last_seq: to, messages } = await readState(manager, tenant);
  const progress = (seq: number): void => warn(`read up to ${seq} of ${to}`);
  let found = 0;
  for await (const entry of findPoison(nats, manager, { tenant, from, to, maxEventBytes, progress })) {
    found += 1;
    print(entry, describePoison(entry));
  }
  warn(`${found} of ${messages} entries cannot be shown`);
}

async function showEntry(manager: JetStreamManager, tenant: string, seq: number, { print }: Terminal): Promise<void> {
  const { first_seq, last_seq } = await readState(manager, tenant);
  const message = await manager.streams.getMessage(logStreamName(tenant), { seq });
  if (message === null) throw new ScriptError(`there is no entry ${seq}; the log holds ${first_seq} to ${last_seq}`);
  const data = printable(message.data);
  print({ seq, subject: message.subject, data }, data);
}

async function readState(manager: JetStreamManager, tenant: string) {
  const { state } = await manager.streams.info(logStreamName(tenant)).catch((error: Error) => {
    throw new ScriptError(`the log of tenant ${tenant} cannot be read: ${error.message}`);
  });
  return state;
}
