import { type JetStreamManager, jetstreamManager, type StoredMsg } from "@nats-io/jetstream";
import { nanosOf, tagOf } from "#shared/contract/event-tag.ts";
import { EPOCH_METADATA, logStreamName } from "#shared/contract/tenant-log.ts";
import { parseEventId } from "#shared/protocol/event-id.ts";
import { connectBus } from "../shared/connect-bus.ts";
import { untilAnswered } from "../shared/until-answered.ts";
import { ScriptError, UsageError } from "../shared/run-script.ts";
import { dataOf, type PrintedEvent, topicIn } from "./print-event.ts";

/** An event of the log with all that it has. */
export interface FoundEvent extends PrintedEvent {
  readonly seq: number;
  readonly bytes: number;
}

/**
 * Reads an event from a tenant's log, by its id or its sequence.
 * @throws {ScriptError} saying which entries there are, where there is none; and where the id is of another log.
 */
export async function findEvent(tenant: string, asked: string, env: NodeJS.ProcessEnv): Promise<FoundEvent> {
  const id = parseEventId(asked);
  const seq = id?.position.seq ?? (/^[1-9]\d{0,15}$/.test(asked) ? Number(asked) : undefined);
  if (seq === undefined)
    throw new UsageError(
      `${asked} is no event: give the id that a stream gives it, <epoch>.<sequence>.<tag>, or its sequence`,
    );
  await using stack = new AsyncDisposableStack();
  const nats = stack.adopt(await connectBus("policy", env), (connection) => connection.close());
  const manager = await jetstreamManager(nats, { checkAPI: false });
  const { epoch, first, last } = await readLog(manager, tenant);
  if (id !== undefined && id.epoch !== epoch) {
    throw new ScriptError(`${asked} is an id of another log: that of ${tenant} is ${epoch}`);
  }
  const message = await untilAnswered(() => manager.streams.getMessage(logStreamName(tenant), { seq }));
  if (message === null) throw new ScriptError(`there is no entry ${seq}; the log holds ${first} to ${last}`);
  const tag = tagOf(nanosOf(message.timestamp));
  if (id !== undefined && id.position.tag !== tag) {
    throw new ScriptError(
      `${asked} is not in the log any more: at ${seq} stands another entry, ${epoch}.${seq}.${tag}`,
    );
  }
  return eventOf(message, `${epoch}.${seq}.${tag}`, tenant);
}

async function readLog(manager: JetStreamManager, tenant: string) {
  const info = untilAnswered(() => manager.streams.info(logStreamName(tenant)));
  const { state, config } = await info.catch((error: Error) => {
    throw new ScriptError(`the log of tenant ${tenant} cannot be read: ${error.message}`);
  });
  return { epoch: config.metadata?.[EPOCH_METADATA] ?? "", first: state.first_seq, last: state.last_seq };
}

function eventOf(message: StoredMsg, id: string, tenant: string): FoundEvent {
  const { subject, seq, data } = message;
  const names = message.header?.keys() ?? [];
  return {
    id,
    seq,
    time: message.time.toISOString(),
    topic: topicIn(subject, tenant),
    attributes: Object.fromEntries(names.map((name) => [name, message.header.get(name)])),
    bytes: data.length,
    data: dataOf(message.string()),
  };
}
