import { setTimeout as delay } from "node:timers/promises";
import type { ServiceName } from "../../scripts/shared/service-calls.ts";
import type { Cluster, ServiceProcessName } from "#test/support/start-cluster.ts";

/** Something that one release stores or says, and the other has to understand. */
export interface Probe {
  readonly name: string;
  /**
   * Uses what was there before by each process, and leaves something new behind.
   * @throws where a process does not understand it.
   */
  look(): Promise<void>;
}

/** What a probe needs. */
export interface ProbeDeps {
  readonly cluster: Cluster;
}

/** Where its processes are, without a slash at the end. */
export function bothOf(cluster: Cluster, service: ServiceName): readonly [string, string] {
  const urlOf = (name: Exclude<ServiceProcessName, `webhooks-${number}`>): string =>
    `http://127.0.0.1:${cluster.ports(name).http}`;
  return [urlOf(`${service}-1`), urlOf(`${service}-2`)];
}

/** Each process as the one that does something, with the other one. */
export function pairsOf(cluster: Cluster, service: ServiceName): readonly (readonly [here: string, there: string])[] {
  const [one, two] = bothOf(cluster, service);
  return [
    [one, two],
    [two, one],
  ];
}

/** An answer over HTTP. */
export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** How long a process may say 503 or nothing, as while the bus chooses a leader. */
const BUSY_MS = 60_000;

/** Calls a process, with a token and a body where these are given; again while it answers 503 or not at all, as its callers are told to do. */
export async function call(method: string, url: string, token?: string, body?: unknown): Promise<Answer> {
  const giveUp = performance.now() + BUSY_MS;
  for (;;) {
    const answer = await callOnce(method, url, token, body).catch((error: Error) => ({
      status: 503,
      body: { detail: error.message },
    }));
    if (answer.status !== 503 || performance.now() > giveUp) return answer;
    await delay(200);
  }
}

/** The same, whatever the answer is. */
export async function callOnce(method: string, url: string, token?: string, body?: unknown): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") === true;
  return { status: response.status, body: isJson ? (JSON.parse(text) as Record<string, unknown>) : { text } };
}

/**
 * The answer, which has to have that status.
 * @throws where it has another.
 */
export function require(what: string, status: number, answer: Answer): Record<string, unknown> {
  if (answer.status === status) return answer.body;
  throw new Error(`${what}: ${answer.status} ${JSON.stringify(answer.body)}`);
}
