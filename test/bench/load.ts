import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Issuer } from "#test/support/start-issuer.ts";

/** Who reads; each stream has a session of its own. */
export interface Person {
  readonly tenant: "demo" | "rival";
  readonly subject: string;
}

/** May read pushes, and some more. */
export const BOB: Person = { tenant: "demo", subject: "bob" };

/** May read everything of the other tenant. */
export const MALLORY: Person = { tenant: "rival", subject: "mallory" };

/** `count` requests for streams, each with a token of its own, for the topics `topicOf(index)`. */
export async function streamRequests(
  issuer: Issuer,
  { tenant, subject }: Person,
  count: number,
  topicOf: (index: number) => string,
): Promise<string[]> {
  const iat = Math.floor(Date.now() / 1_000);
  const common = { iss: "http://localhost:8081", aud: "sluice", client_id: "bench", tenant_id: tenant, sub: subject };
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const own = { sid: randomUUID(), jti: randomUUID() };
      const times = { iat, exp: iat + 300, login_at: "2026-01-01T00:00:00Z" };
      return streamRequest(`/v1/stream?topic=${topicOf(index)}`, await issuer.sign({ ...common, ...own, ...times }));
    }),
  );
}

/** A request for a stream as a browser or a proxy would send it. */
export function streamRequest(path: string, token?: string): string {
  return [
    `GET ${path} HTTP/1.1`,
    "Host: edge.example.com",
    "Accept: text/event-stream",
    "Cache-Control: no-cache",
    "Accept-Language: en-GB,en;q=0.9",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    "\r\n",
  ].join("\r\n");
}

/**
 * A JSON payload of that many bytes which says when it was published, in microseconds since 1970, and its number within its
 * topic where it has one.
 */
export function payloadOf(bytes: number, number?: number): string {
  const micros = Math.round((performance.timeOrigin + performance.now()) * 1_000);
  const numbered = number === undefined ? "" : `,"n":${number}`;
  return `{"t":${micros}${numbered},"pad":"${"x".repeat(Math.max(0, bytes - 32 - numbered.length))}"}`;
}

/** Acts so many times a second, for so long; catches up where it was late. */
export async function atRate(
  { ratePerSecond, seconds }: { readonly ratePerSecond: number; readonly seconds: number },
  act: (index: number) => void,
): Promise<void> {
  const begin = performance.now();
  for (let done = 0; done < ratePerSecond * seconds; done += 1) {
    act(done);
    const wait = begin + ((done + 1) * 1_000) / ratePerSecond - performance.now();
    if (wait > 1) await delay(wait);
  }
}
