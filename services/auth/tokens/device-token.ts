import { randomBytes } from "node:crypto";
import { isMacOf, macOf } from "./mac.ts";

/** An account that somebody logs in to. */
interface Account {
  readonly tenant: string;
  readonly username: string;
}

const DEVICE_TOKEN = /^(?<device>[A-Za-z0-9_-]{22})\.(?<mac>[A-Za-z0-9_-]{43})$/;

/** A new id for a browser. */
export function newDeviceId(): string {
  return randomBytes(16).toString("base64url");
}

/** Writes what a browser keeps after a login: its id, and a MAC that it is known for this account: `<id>.<MAC>`. */
export function formatDeviceToken(device: string, account: Account, key: Uint8Array): string {
  return `${device}.${macOf(textOf(device, account), key)}`;
}

/** The id in a token that one of the keys has signed for this account; undefined for any other text. */
export function parseDeviceToken(text: string, account: Account, keys: readonly Uint8Array[]): string | undefined {
  const { device = "", mac = "" } = DEVICE_TOKEN.exec(text)?.groups ?? {};
  const isGenuine = keys.some((key) => isMacOf(textOf(device, account), mac, key));
  return isGenuine ? device : undefined;
}

/** A tenant's name holds no dot, so no two accounts are written alike; no refresh token begins like this. */
function textOf(device: string, { tenant, username }: Account): string {
  return `device:${device}.${tenant}.${username}`;
}
