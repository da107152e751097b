import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openEventStream } from "#test/support/event-stream.ts";
import { readMetric } from "#test/support/read-metric.ts";
import { waitFor } from "#test/support/wait.ts";
import { cpuMillis } from "../account.ts";
import { streamRequest } from "../load.ts";
import { quantile } from "../quantile.ts";
import { openReaders } from "../readers.ts";
import type { Bench, Figure, Scenario } from "../scenario.ts";

const WORKERS = 4;
const PEOPLE = 4_000;
/** So many of them come while somebody watches. */
const JOINING = 1_000;
/** Each has its people: ten before, and some more. */
const ROOMS = 300;
const QUESTIONS = 400;
const TENANT = "crowd";
/** The people are an outside issuer's: auth need not know them. */
const ISSUER = "https://login.example.com";

/** Who listens, asked of the workers that hold the connections, and what a watched topic costs while people come. */
export const presence: Scenario = {
  name: "presence",
  about: `${PEOPLE} people on ${WORKERS} workers: questions about a topic and a person, and messages for ${JOINING} who join`,
  async run(bench) {
    const { stack, startEdge, issuer, programs } = bench;
    await makeTenant(bench);
    const issuers = join(programs.folder, "presence-issuers.json");
    const entry = {
      issuer: ISSUER,
      jwks_uri: issuer.jwksUri,
      audience: "sluice",
      tenant: TENANT,
      algorithms: ["ES256"],
    };
    await writeFile(issuers, JSON.stringify([entry]));
    const edge = await startEdge({
      STREAM_WORKERS: String(WORKERS),
      REDIS_URL: stack.redis.streamUrl,
      AUTH_ISSUERS_FILE: issuers,
      STREAM_CALLS_PER_SUBJECT_PER_MINUTE: "1000000",
    });
    await using _edge = edge;
    const requests = await Promise.all(
      Array.from({ length: PEOPLE }, async (_, n) =>
        streamRequest(`/v1/stream?topic=room.*.${n % ROOMS}`, await tokenOf(bench, nameOf(n))),
      ),
    );
    const [late, early] = [requests.slice(0, JOINING), requests.slice(JOINING)];
    await using _readers = await openReaders(programs, edge.ports.http, early, early.length);
    const url = `http://127.0.0.1:${edge.ports.http}`;
    const token = await tokenOf(bench, "host");
    const { pid } = edge.child.process;
    const base = `${url}/v1/presence`;
    const figures = [
      ...(await timeQuestions(pid, token, "a refusal, which asks nobody", () => `${base}?topic=`)),
      ...(await timeQuestions(pid, token, "a topic", (n) => `${base}?topic=room.*.${n % ROOMS}`)),
      ...(await timeQuestions(pid, token, "a person", (n) => `${base}/${nameOf(JOINING + n)}`)),
      ...(await timeQuestions(pid, token, "a count of all", () => `${base}?topic=room.>&count=true`)),
    ];
    await using watching = await openEventStream(`${url}/v1/stream?topic=room.*.x&presence=room.>`, { token });
    await watching.frame("presence");
    const before = await readMetric(edge, "sluice_stream_presence_messages_total");
    const frames = watching.frames.length;
    await using _joining = await openReaders(programs, edge.ports.http, late, late.length);
    const { count } = (await ask(`${url}/v1/presence?count=true&topic=room.>`, token)) as {
      count: { devices: number };
    };
    await waitFor("the watcher knows of all", () =>
      watching.frames.at(-1)?.data.includes(`"devices":${count?.devices}`),
    );
    const messages = (await readMetric(edge, "sluice_stream_presence_messages_total")) - before;
    const heard = watching.frames.length - frames;
    return [
      ...figures,
      { name: `messages for ${JOINING} joins`, value: messages, unit: "", goal: { atMost: 100 } },
      { name: "presence frames for them, on one stream", value: heard, unit: "" },
    ];
  },
};

function nameOf(person: number): string {
  return `person-${person}`;
}

async function makeTenant({ stack }: Bench): Promise<void> {
  const document = {
    tenant: TENANT,
    roles: { guest: { allow: ["room:read"] }, host: { allow: ["room:read", "presence:read"] } },
    bindings: [
      { role: "guest", subjects: Array.from({ length: PEOPLE }, (_, n) => nameOf(n)) },
      { role: "host", subjects: ["host"] },
    ],
    events: { "room.*": "room:read" },
  };
  const made = await stack.operate("PUT", TENANT);
  const stored = await stack.operate("PUT", `${TENANT}/policy`, document);
  if (stored.status !== 200) throw new Error(`the tenant was not made: ${made.status}, ${JSON.stringify(stored)}`);
}

function tokenOf({ issuer }: Bench, sub: string): Promise<string> {
  const iat = Math.floor(Date.now() / 1_000);
  return issuer.sign({ iss: ISSUER, aud: "sluice", sub, iat, exp: iat + 280 });
}

/** Asks one question after the other. */
async function timeQuestions(
  pid: number | undefined,
  token: string,
  about: string,
  urlOf: (question: number) => string,
): Promise<readonly Figure[]> {
  for (let n = 0; n < 20; n += 1) await ask(urlOf(n), token);
  const times: number[] = [];
  const cpuBefore = await cpuMillis(pid);
  for (let n = 0; n < QUESTIONS; n += 1) {
    const began = performance.now();
    const { partial = false } = await ask(urlOf(n), token);
    times.push(performance.now() - began);
    if (partial) throw new Error("a worker has not answered");
  }
  const cpu = ((await cpuMillis(pid)) - cpuBefore) / QUESTIONS;
  return [
    { name: `${about}: p50`, value: quantile(times, 0.5), unit: "ms" },
    { name: `${about}: p99`, value: quantile(times, 0.99), unit: "ms" },
    { name: `${about}: CPU of all workers`, value: cpu, unit: "ms" },
  ];
}

/** An answer, as far as it is looked at. */
interface Answer {
  readonly partial?: boolean;
  readonly count?: { readonly devices: number };
}

async function ask(url: string, token: string): Promise<Answer> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok && response.status !== 400) throw new Error(`${url} answered ${response.status}`);
  return (await response.json()) as Answer;
}
