import { describe, expect, test } from "vitest";
import type { z } from "zod";
import {
  erasedEntrySchema,
  policyEntrySchema,
  sessionEntrySchema,
  tenantEntrySchema,
} from "#shared/contract/control-entry.ts";
import { connectionEntrySchema } from "#shared/contract/connection-log.ts";
import { tagOf, nanosOf } from "#shared/contract/event-tag.ts";
import { tenantEndSchema } from "#shared/contract/revocations.ts";
import { RECORD_FORMAT } from "#shared/contract/subscription-record.ts";
import { subjectKey } from "#shared/contract/subject-key.ts";
import { formatEventId, parseEventId } from "#shared/protocol/event-id.ts";
import { keyRingSchema } from "../../services/auth/keys/key-ring.ts";
import { openKeys } from "../../services/auth/keys/open-keys.ts";
import { createSealer } from "../../services/auth/keys/seal.ts";
import { openRecord, type RecordFields, sealRecord } from "../../services/auth/sessions/session-record.ts";
import { formatRefreshToken, parseRefreshToken } from "../../services/auth/tokens/refresh-token.ts";
import { decodeClients, encodeClients } from "../../services/auth/users/stored-client.ts";
import { decodeShard, encodeShard } from "../../services/policy/versions/policy-parts.ts";
import { decodeHead, encodeHead } from "../../services/policy/versions/stored-head.ts";
import { encodeRecord, parseRecord } from "../../services/stream/durable/record.ts";
import samples from "./samples/0.1.json" with { type: "json" };

// What is stored, or goes over the bus, as release 0.1 wrote it. Processes of two releases run side by side in every upgrade, and again
// after a rollback: whatever fails here loses sessions, keys, policies or subscriptions then. Keep the old form readable, write nothing
// that it has not, and let a sample of a new form stand beside this one.

type Name = keyof typeof samples;

/** A schema that takes a value as it is, and one that a later release has added something to. */
function passes(schema: z.ZodType) {
  return (text: string): void => {
    const value = JSON.parse(text) as object;
    expect(schema.parse(value)).toEqual(value);
    expect(schema.parse({ ...value, addedLater: 1 })).toEqual(value);
  };
}

/** What is read is written as it was. */
function returns<Value>(read: (text: string) => Value, write: (value: Value) => string | Uint8Array) {
  return (text: string): void =>
    expect(JSON.parse(Buffer.from(write(read(text))).toString())).toEqual(JSON.parse(text));
}

function readSubscription(text: string) {
  const stored = parseRecord(text);
  if (stored.is !== "record") throw new Error(stored.is);
  return stored.record;
}

function readClients(text: string) {
  const clients = decodeClients(text);
  expect(clients.filter(({ unreadable }) => unreadable !== undefined)).toEqual([]);
  return clients;
}

const SHAPES: Readonly<Partial<Record<Name, (text: string) => void>>> = {
  "control.policy of some": passes(policyEntrySchema),
  "control.policy of all": passes(policyEntrySchema),
  "control.session": passes(sessionEntrySchema),
  "control.session of a person": passes(sessionEntrySchema),
  "control.tenant": passes(tenantEntrySchema),
  "control.erased by topic": passes(erasedEntrySchema),
  "control.erased by ids": passes(erasedEntrySchema),
  "connection opened": passes(connectionEntrySchema),
  "connection changed": passes(connectionEntrySchema),
  "connection ended": passes(connectionEntrySchema),
  "ring of keys": passes(keyRingSchema),
  "end of a tenant": passes(tenantEndSchema),
  "service clients": returns(readClients, encodeClients),
  "shard of bindings": returns((text) => decodeShard(Buffer.from(text)), encodeShard),
  "head of a policy": returns(decodeHead, ({ content, ...version }) => {
    if ("text" in content) throw new Error("the content stands in the head");
    return encodeHead(version, content);
  }),
  subscription: returns(readSubscription, encodeRecord),
  "subscription with a callback": returns(readSubscription, encodeRecord),
  "deleted subscription": (text) => expect(parseRecord(text)).toEqual({ is: "deleted" }),
  "id of an event": (text) => {
    const tag = tagOf(nanosOf("2026-11-27T23:46:08.101123456Z"));
    expect(parseEventId(text)).toMatchObject({ epoch: "e427bc66d74c", position: { seq: 16, tag } });
    expect(formatEventId("e427bc66d74c", { seq: 16, tag })).toBe(text);
  },
  "key of a person": (text) => expect(subjectKey("demo", "jane@acme.example")).toBe(text),
};

describe("this release reads, and writes, as release 0.1 did:", () => {
  test.each(Object.entries(SHAPES))("%s", (name, check) => check(samples[name as Name]));

  test("sessions and refresh tokens, sealed by the keys of the ring", () => {
    const sealer = createSealer(Buffer.alloc(32, "test"));
    const keys = openKeys(keyRingSchema.parse(JSON.parse(samples["ring of keys"])), sealer);
    const sid = "HAu2CJk34cjE7pUTHUim9g";
    const fields = JSON.parse(samples.session) as RecordFields;
    const opened = openRecord(sid, fields, keys);
    expect(opened?.session).toMatchObject({ sid, tenant: "demo", subject: "jane@acme.example" });
    if (opened === undefined) return;
    const sealed = sealRecord(opened.session, opened.lastSeenAt, keys);
    expect(sealed).toEqual(Object.entries(fields).flat());
    expect(parseRefreshToken(samples["refresh token"], keys.refresh)).toEqual({ family: sid, generation: 7 });
    expect(formatRefreshToken({ family: sid, generation: 7 }, keys.refresh[0])).toBe(samples["refresh token"]);
    expect(keys.jwks.keys.map(({ kid }) => kid)).toContain(keys.signing?.kid);
  });
});

test("a subscription's record of a later format is left alone, and one with something unknown is not overwritten", () => {
  const record = JSON.parse(samples.subscription) as object;
  expect(parseRecord(JSON.stringify({ ...record, v: RECORD_FORMAT.owed + 1 })).is).toBe("newer");
  expect(parseRecord(JSON.stringify({ ...record, addedLater: 1 })).is).toBe("corrupted");
});
