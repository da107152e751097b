import { formatScope, parseScope } from "#shared/protocol/scope.ts";
import { hkdfSync } from "node:crypto";
import { isMacOf, macOf } from "../tokens/mac.ts";
import type { Session } from "./session.ts";

/** The HMAC keys of refresh tokens, from which the keys of records are derived: the first seals, each of them opens. */
export interface SealingKeys {
  readonly refresh: readonly [Uint8Array, ...Uint8Array[]];
}

/** What a record in the store says of its session, every word of it sealed by auth. */
export interface OpenedRecord {
  readonly session: Session;
  /** When the session was last seen, in milliseconds of auth's clock. */
  readonly lastSeenAt: number;
}

/** The fields of a record, as the store has them. */
export type RecordFields = Readonly<Record<string, string>>;

/** A key of records is of no use for refresh tokens, and the other way round (RFC 5869, section 3.2). */
const KEY_INFO = "sluice session record 1";

/**
 * What a login fixed for good: the names of the fields in the store, all of which are sealed. The records of earlier releases are sealed
 * without one that is added later: it must count only where it has a value.
 */
const FIELDS = {
  tenant: "tenant",
  subject: "subject",
  clientId: "client_id",
  device: "device",
  loginAt: "login_at",
  endsAt: "ends_at",
  scope: "scope",
} as const satisfies Record<Exclude<keyof Session, "sid">, string>;

type Field = keyof typeof FIELDS;

const FIXED = Object.keys(FIELDS) as Field[];

/**
 * The fields of a new session's record, as names and values in turn. `mac` covers the session's id and all that a login fixed,
 * so that whoever can write the store can make no session of anybody else, no longer one, and no second one by copying.
 */
export function sealRecord(session: Session, seenAt: number, keys: SealingKeys): string[] {
  const fixed = FIXED.map((field) => textOf(session, field));
  const named = FIXED.flatMap((field, place) => [FIELDS[field], fixed[place] ?? ""]);
  return [
    ...named,
    "mac",
    macOf(fixedText(session.sid, fixed), recordKeyOf(keys.refresh[0])),
    "last_seen",
    sealSeen(session.sid, seenAt, keys),
  ];
}

/** The field `last_seen`: `<milliseconds>.<MAC>`, because an idle session that looks busy would live longer. */
export function sealSeen(sid: string, seenAt: number, keys: SealingKeys): string {
  const ms = String(Math.floor(seenAt));
  return `${ms}.${macOf(seenText(sid, ms), recordKeyOf(keys.refresh[0]))}`;
}

/** Reads the fields of a session's record; undefined when auth has not written them so for this session. */
export function openRecord(sid: string, fields: RecordFields, keys: SealingKeys): OpenedRecord | undefined {
  const fixed = FIXED.map((field) => fields[FIELDS[field]] ?? "");
  const [seenAt = "", seenMac = ""] = (fields["last_seen"] ?? "").split(".");
  const isGenuine =
    isSealed(fixedText(sid, fixed), fields["mac"] ?? "", keys) && isSealed(seenText(sid, seenAt), seenMac, keys);
  if (!isGenuine) return undefined;
  const [tenant = "", subject = "", clientId = "", device = "", loginAt = "", endsAt = "", limit = ""] = fixed;
  const scope = limit === "" ? undefined : parseScope(limit);
  // A limit that this release cannot read must not count as none.
  if (scope === undefined && limit !== "") return undefined;
  const session = { sid, tenant, subject, clientId, device, loginAt, endsAt: Number(endsAt), scope };
  return { session, lastSeenAt: Number(seenAt) };
}

function textOf(session: Session, field: Field): string {
  if (field !== "scope") return String(session[field]);
  return session.scope === undefined ? "" : formatScope(session.scope);
}

/** JSON, so that no two records read the same wherever one field ends and the next begins. */
function fixedText(sid: string, fixed: readonly string[]): string {
  return JSON.stringify(["session", sid, ...fixed]);
}

function seenText(sid: string, seenAt: string): string {
  return JSON.stringify(["seen", sid, seenAt]);
}

function isSealed(text: string, mac: string, { refresh }: SealingKeys): boolean {
  return refresh.some((key) => isMacOf(text, mac, recordKeyOf(key)));
}

/** Takes 8 µs; what it answers is not kept, as the keys that it comes from may be withdrawn. */
function recordKeyOf(refreshKey: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", refreshKey, "", KEY_INFO, 32));
}
