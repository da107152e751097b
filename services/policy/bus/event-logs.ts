import { isUtf8 } from "node:buffer";
import {
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  type JetStreamManager,
  type StoredMsg,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { policyEntrySchema } from "#shared/contract/control-entry.ts";
import { attributesOf } from "#shared/contract/event-attributes.ts";
import { nanosOf, tagOf } from "#shared/protocol/event-id.ts";
import { EPOCH_METADATA, logStreamName, policyControlSubject } from "#shared/contract/tenant-log.ts";
import type { Version } from "#shared/contract/version.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import type { EventLogs, LoggedMessage } from "../explain-event.ts";

/** The tenants' logs as JetStream streams. */
export async function openEventLogs(connection: NatsConnection): Promise<EventLogs> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  return {
    async describe(tenant) {
      const { config, state } = await answered(() => manager.streams.info(logStreamName(tenant)));
      return { epoch: config.metadata?.[EPOCH_METADATA] ?? "", first: state.first_seq, last: state.last_seq };
    },
    async read(tenant, seq) {
      const message = await answered(() => manager.streams.getMessage(logStreamName(tenant), { seq }));
      return message === null ? undefined : loggedMessage(message);
    },
    versionAt: (tenant, seq) => answered(() => versionAt(manager, tenant, seq)),
  };
}

function loggedMessage({ subject, timestamp, data, header }: StoredMsg): LoggedMessage {
  const storedAtNanos = nanosOf(timestamp);
  const attributes = Object.entries(attributesOf(header)).flatMap(([name, value]) =>
    name.startsWith("ce-") ? [[name.slice("ce-".length), value]] : [],
  );
  return {
    subject,
    tag: tagOf(storedAtNanos),
    storedAt: Number(storedAtNanos / 1_000_000n),
    isText: isUtf8(data),
    attributes: Object.fromEntries(attributes) as LoggedMessage["attributes"],
  };
}

/** From any replica: a place that is read from the leader just before is seldom ahead of one. */
async function versionAt(manager: JetStreamManager, tenant: string, seq: number): Promise<Version | undefined> {
  const query = { multi_last: [policyControlSubject(tenant)], up_to_seq: seq };
  for await (const message of await manager.direct.getLastMessagesFor(logStreamName(tenant), query)) {
    const entry = policyEntrySchema.safeParse(parseJson(message.string()));
    if (entry.success) return { number: entry.data.version, build: entry.data.build };
  }
  return undefined;
}

async function answered<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof JetStreamApiError && cause.code === JetStreamApiCodes.StreamNotFound) {
      throw new AppError("tenant_unknown", "there is no such tenant", { cause });
    }
    throw new AppError("unavailable", "the tenant's log cannot be read right now; try again", { cause });
  }
}
