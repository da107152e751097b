import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openRecord, type RecordFields, type SealingKeys, sealRecord, sealSeen } from "./session-record.ts";
import type { Session } from "./session.ts";

const SESSION: Session = {
  sid: "s1",
  tenant: "acme",
  subject: "ann",
  clientId: "web",
  device: "curl/8",
  loginAt: "2026-11-01T10:00:00.000Z",
  endsAt: 1_800_000_000_000,
};
const SEEN_AT = 1_790_000_000_000;

function keysOf(...fills: [number, ...number[]]): SealingKeys {
  const [first, ...others] = fills.map((fill) => new Uint8Array(32).fill(fill)) as [Uint8Array, ...Uint8Array[]];
  return { refresh: [first, ...others] };
}

function recordOf(session: Session, keys = keysOf(1)): Record<string, string> {
  const fields = sealRecord(session, SEEN_AT, keys);
  return Object.fromEntries(fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1] ?? ""]] : [])));
}

describe("the record of a session", () => {
  test("opens to what was sealed, whatever its texts are", () => {
    const text = fc.string({ unit: "binary", maxLength: 20 });
    const sessions = fc.record({ sid: text, tenant: text, subject: text, clientId: text, device: text, loginAt: text });
    fc.assert(
      fc.property(sessions, fc.integer({ min: 0, max: 4e12 }), (texts, endsAt) => {
        const session = { ...texts, endsAt };
        expect(openRecord(session.sid, recordOf(session), keysOf(1))).toEqual({ session, lastSeenAt: SEEN_AT });
      }),
    );
  });

  test("opens with each of the keys, and with no other", () => {
    expect(openRecord("s1", recordOf(SESSION), keysOf(2, 1))).toMatchObject({ session: SESSION });
    expect(openRecord("s1", recordOf(SESSION), keysOf(2))).toBeUndefined();
  });

  test.each<[string, RecordFields]>([
    ["another tenant", { tenant: "rival" }],
    ["another subject", { subject: "bob" }],
    ["another client", { client_id: "reporter" }],
    ["another device", { device: "phone" }],
    ["another time of login", { login_at: "2026-11-02T10:00:00.000Z" }],
    ["a later end", { ends_at: "1900000000000" }],
    ["its words moved between two fields", { tenant: "acm", subject: "eann" }],
    ["a later last sight", { last_seen: `${SEEN_AT + 1}.${recordOf(SESSION)["last_seen"]?.split(".")[1]}` }],
    ["a last sight of another session", { last_seen: sealSeen("s2", SEEN_AT, keysOf(1)) }],
    ["a last sight without a MAC", { last_seen: String(SEEN_AT) }],
    ["no MAC", { mac: "" }],
    ["the MAC of a last sight", { mac: recordOf(SESSION)["last_seen"]?.split(".")[1] ?? "" }],
    ["the MAC of another session", { mac: recordOf({ ...SESSION, sid: "s2" })["mac"] ?? "" }],
  ])("does not open with %s", (_, changed) => {
    expect(openRecord("s1", { ...recordOf(SESSION), ...changed }, keysOf(1))).toBeUndefined();
  });

  test("does not open under another session's id", () => {
    expect(openRecord("s2", recordOf(SESSION), keysOf(1))).toBeUndefined();
  });

  test("does not open when it has no field at all", () => {
    expect(openRecord("s1", {}, keysOf(1))).toBeUndefined();
  });
});
