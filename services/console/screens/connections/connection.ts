import { parseEventId } from "#shared/protocol/event-id.ts";

/** An open stream, as policy tells it. */
export interface Connection {
  readonly id: string;
  readonly requestId: string;
  readonly tenant: string;
  readonly subject: string;
  readonly sid: string;
  /** The road that its frames come by; null for a callback. */
  readonly transport: string | null;
  readonly client: string | null;
  readonly subscription: string | null;
  readonly address: string;
  readonly userAgent: string | null;
  readonly topics: readonly { readonly topic: string; readonly granted: boolean }[];
  readonly state: "live" | "behind";
  readonly waitsFor: string | null;
  readonly lastId: string;
  readonly horizon: string;
  readonly openedAt: string;
  readonly events: number;
  readonly bytes: number;
  readonly quietForSeconds: number;
  readonly idle: boolean;
}

/** A part of the list of open streams. */
export interface ConnectionList {
  readonly connections: readonly Connection[];
  readonly next?: string;
  readonly partial: boolean;
}

/** How many entries of the log a stream has still to read; undefined where its places cannot be compared. */
export function lagOf({ lastId, horizon }: Pick<Connection, "lastId" | "horizon">): number | undefined {
  const [last, end] = [parseEventId(lastId), parseEventId(horizon)];
  if (last === undefined || end === undefined || last.epoch !== end.epoch) return undefined;
  return Math.max(0, end.position.seq - last.position.seq);
}

const BROWSERS = [
  [/\bEdgA?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\b(Firefox|FxiOS)\//, "Firefox"],
  [/\b(Chrome|CriOS)\//, "Chrome"],
  [/\bVersion\/.*Safari\//, "Safari"],
] as const;

const SYSTEMS = [
  [/\b(iPhone|iPad)\b/, "iOS"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
] as const;

/** The device behind a user agent, as far as its text tells; a program's own name otherwise. */
export function deviceOf(userAgent: string | null): string {
  if (userAgent === null) return "unknown";
  const [, browser] = BROWSERS.find(([pattern]) => pattern.test(userAgent)) ?? [];
  const [, system] = SYSTEMS.find(([pattern]) => pattern.test(userAgent)) ?? [];
  if (browser === undefined) return userAgent.split(/[ /]/, 1)[0] ?? userAgent;
  return system === undefined ? browser : `${browser} on ${system}`;
}
