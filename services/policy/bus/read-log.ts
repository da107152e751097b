import { isUtf8 } from "node:buffer";
import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import { erasedEntrySchema, policyEntrySchema, tenantEntrySchema } from "#shared/contract/control-entry.ts";
import { logStreamName, policyControlSubject } from "#shared/contract/tenant-log.ts";
import type { Version } from "#shared/contract/version.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import { readAttributes } from "#shared/nats/read-attributes.ts";
import { nanosOf, tagOf } from "#shared/contract/event-tag.ts";
import type { LastPolicyEntry } from "../changes/policy-log.ts";
import type { LoggedErasure } from "../events/erasure-log.ts";
import type { LoggedMessage } from "../events/event-log.ts";
import { readDirect } from "./read-direct.ts";
import type { LastTenantEntry } from "../tenants/tenant-logs.ts";

/** The last message of a subject, from the log's leader: a replica that lags must not say that there is none. */
export function lastMessage(manager: JetStreamManager, tenant: string, subject: string): Promise<StoredMsg | null> {
  return manager.streams.getMessage(logStreamName(tenant), { last_by_subj: subject });
}

/** What a message says as a policy entry. */
export function readPolicyEntry(message: StoredMsg | null): LastPolicyEntry {
  if (message === null) return { version: undefined, sequence: 0 };
  const entry = policyEntrySchema.safeParse(parseJson(message.string()));
  const version = entry.success ? { number: entry.data.version, build: entry.data.build } : undefined;
  return { version, sequence: message.seq };
}

/** What a message says as a tenant entry. */
export function readTenantEntry(message: StoredMsg | null): LastTenantEntry {
  if (message === null) return { state: undefined, version: 0, sequence: 0 };
  const entry = tenantEntrySchema.safeParse(parseJson(message.string()));
  const { state, version = 0 } = entry.success ? entry.data : { state: undefined };
  return { state, version, sequence: message.seq };
}

/** What a message says as an erased entry. */
export function readErasedEntry(message: StoredMsg | null): LoggedErasure {
  if (message === null) return { entry: undefined, sequence: 0 };
  const { data: entry } = erasedEntrySchema.safeParse(parseJson(message.string()));
  return { entry, sequence: message.seq };
}

/** A message with what explaining it takes. */
export function loggedMessage(message: StoredMsg): LoggedMessage {
  const { subject, timestamp, data } = message;
  const storedAtNanos = nanosOf(timestamp);
  const read = readAttributes(headerBlockOf(message));
  return {
    subject,
    tag: tagOf(storedAtNanos),
    storedAt: Number(storedAtNanos / 1_000_000n),
    data,
    isText: isUtf8(data),
    attributes: read === "too_large" ? undefined : cloudEventsAttributes(read),
  };
}

/** The headers as they came: the library's own parser takes half a second for those that JetStream stores, and throws for some. */
function headerBlockOf(message: StoredMsg): Buffer | undefined {
  const { hdrs } = (message as unknown as { readonly smr: { readonly message: { readonly hdrs?: string } } }).smr
    .message;
  return hdrs === undefined ? undefined : Buffer.from(hdrs, "base64");
}

/** The CloudEvents attributes among those of an event's headers, by name without `ce-`. */
export function cloudEventsAttributes(read: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const named = Object.entries(read).filter(([name]) => name.startsWith("ce-"));
  return Object.fromEntries(named.map(([name, value]) => [name.slice("ce-".length), value]));
}

/** The version of the last policy entry up to `seq`. Any replica may answer: one seldom lags so far. */
export async function versionAt(manager: JetStreamManager, tenant: string, seq: number): Promise<Version | undefined> {
  const query = { multi_last: [policyControlSubject(tenant)], up_to_seq: seq };
  const stream = logStreamName(tenant);
  const read = readDirect((callback) => manager.direct.getLastMessagesFor(stream, { ...query, callback }));
  for (const message of await read) {
    const entry = policyEntrySchema.safeParse(parseJson(message.string()));
    if (entry.success) return { number: entry.data.version, build: entry.data.build };
  }
  return undefined;
}
