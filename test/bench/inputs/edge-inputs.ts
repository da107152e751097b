import { randomUUID } from "node:crypto";
import { headers as natsHeaders } from "@nats-io/transport-node";
import { openEventStream } from "#test/support/event-stream.ts";
import { changeTopics, openTopicStream } from "#test/support/topic-stream.ts";
import { type InputsWorld, whileListening } from "./inputs-world.ts";
import { statusOf } from "./send-request.ts";
import { answers, type InputSize, type OutsideInput } from "./outside-input.ts";

/** A topic token may be this long. */
const TOKEN_CHARACTERS = 768;

const MAX_EVENT_BYTES = 1_000_000;

const STREAM = ["GET /v1/stream"];
const TOPICS = "POST /v1/streams/:connectionId{[A-Za-z0-9_-]{1,64}}/topics";
const CLIENTS = ["GET /v1/clients"];
const KEPT = ["GET", "DELETE"].map((method) => `${method} /v1/clients/:client{[A-Za-z0-9_-]{1,64}}/topics`);
const REBIND = "POST /v1/streams/:connectionId{[A-Za-z0-9_-]{1,64}}/token";

/** What browsers, programs and producers may send to an edge. */
export function edgeInputs(world: InputsWorld): readonly OutsideInput[] {
  const { edge: service } = world.stack;
  const edge = (
    name: string,
    through: readonly string[],
    right: OutsideInput["answers"],
    send: OutsideInput["send"],
  ): OutsideInput => ({ name: `edge, ${name}`, through, service, answers: right, send });
  return [
    edge("topics of a stream", STREAM, answers(200), async (size) => openAndClose(world, topicsQuery(size), {})),
    edge("a long topic", STREAM, answers(200), async (size) =>
      openAndClose(world, `topic=issues.${longTokens(size, 3)}`, {}),
    ),
    edge("a token's groups", STREAM, answers(200), async (size) => {
      const groups = Array.from(
        { length: size === "largest" ? 900 : 1 },
        (_, index) => `group-${index}-${"g".repeat(40)}`,
      );
      return openAndClose(world, "topic=issues.>", { token: await world.sign({ groups }) });
    }),
    edge("a header that is no token", STREAM, answers(401), async (size) => {
      const token = size === "largest" ? "a.".repeat(40_000) : "a.b.c";
      return openAndClose(world, "topic=issues.>", { token });
    }),
    edge("cookies", STREAM, answers(401), async (size) => {
      const count = size === "largest" ? 4_000 : 1;
      const cookie = Array.from({ length: count }, (_, index) => `auth_token=x${index}`).join("; ");
      return openAndClose(world, "topic=issues.>", { token: "", headers: { cookie } });
    }),
    edge("headers", STREAM, answers(200), async (size) => {
      const count = size === "largest" ? 90 : 1;
      const headers = Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, "v".repeat(200)]));
      return openAndClose(world, "topic=issues.>", { headers });
    }),
    edge("an id to resume from", STREAM, answers(200), async (size) => {
      const lastEventId = size === "largest" ? `${"e".repeat(110)}.1.0` : "e.1.0";
      return openAndClose(world, "topic=issues.>", { lastEventId });
    }),
    edge("a poll", ["GET /v1/poll"], answers(200), (size) => pollOnce(world, size)),
    edge("a question about what is offered", ["GET /v1/capabilities"], answers(200), (size) =>
      askCapabilities(world, `?client=${"c".repeat(size === "largest" ? 64 : 1)}`),
    ),
    edge("a rebind's body", [REBIND], answers(401), (size) => postRebind(world, size)),
    edge("a change of topics", [TOPICS], answers(200), (size) => changeOnce(world, size)),
    // The edges of this world keep no topics.
    edge("the name of a client", [...CLIENTS, ...KEPT], answers(503), async (size) => {
      const path = `/${"c".repeat(size === "largest" ? 64 : 1)}/topics`;
      const statuses = [await askClients(world, "GET", ""), await askClients(world, "GET", path)];
      return Math.max(...statuses, await askClients(world, "DELETE", path));
    }),
    edge("a question about presence", ["GET /v1/presence"], answers(200), (size) =>
      askPresence(world, `?topic=issues.${longTokens(size, 3)}&limit=${size === "largest" ? 500 : 1}`),
    ),
    edge("a question about a person", ["GET /v1/presence/:subject"], answers(200), (size) =>
      askPresence(world, `/${encodeURIComponent("é".repeat(size === "largest" ? 128 : 1))}?topics=true`),
    ),
    edge("a client's report", ["POST /v1/reports"], answers(204), (size) => postReport(world, size)),
    ...payloads().map(([text, payload]) =>
      edge(`an event of ${text}`, STREAM, answers(200), (size) =>
        deliverEvent(world, size === "largest" ? payload : Buffer.from("1"), 0),
      ),
    ),
    edge("an event's headers", ["header ce-", "header nats-msg-id"], answers(200), (size) =>
      deliverEvent(world, Buffer.from("1"), size === "largest" ? 60 : 1),
    ),
  ];
}

/** Events of the largest size, each with the most of something that has to be read or written in another way. */
function payloads(): ReadonlyArray<readonly [name: string, payload: Buffer]> {
  const filled = (part: string): Buffer =>
    Buffer.from(part.repeat(Math.floor(MAX_EVENT_BYTES / Buffer.byteLength(part))));
  return [
    ["one text", Buffer.from(JSON.stringify("p".repeat(MAX_EVENT_BYTES - 2)))],
    ["line ends", filled("\n")],
    ["brackets", Buffer.from(`${"[".repeat(MAX_EVENT_BYTES / 2)}${"]".repeat(MAX_EVENT_BYTES / 2)}`)],
    ["words", Buffer.from(`[${"null,".repeat(200_000)}0]`)],
    ["control characters", filled("\u0001")],
  ];
}

function topicsQuery(size: InputSize): string {
  const count = size === "largest" ? 100 : 1;
  const topics = Array.from({ length: count }, (_, index) => `issues.*.k${index}.*.*.a${index}.*.>`);
  return new URLSearchParams(topics.map((topic): [string, string] => ["topic", topic])).toString();
}

function longTokens(size: InputSize, count: number): string {
  return Array.from({ length: count }, () => "t".repeat(size === "largest" ? TOKEN_CHARACTERS : 1)).join(".");
}

interface Opening {
  readonly token?: string;
  readonly headers?: Record<string, string>;
  readonly lastEventId?: string;
}

async function openAndClose(
  { stack, sign }: InputsWorld,
  query: string,
  { token, ...options }: Opening,
): Promise<number> {
  const url = `${stack.streamUrl}/v1/stream?${query}`;
  const withToken = token === "" ? {} : { token: token ?? (await sign()) };
  await using stream = await openEventStream(url, { ...options, ...withToken });
  if (stream.status === 200) await stream.frame((frame) => frame.event === "ready");
  return stream.status;
}

async function pollOnce({ stack, sign }: InputsWorld, size: InputSize): Promise<number> {
  const lastEventId = `${"e".repeat(size === "largest" ? 32 : 8)}.1.0`;
  const query = `${topicsQuery(size)}&wait=0&pad=${size === "largest" ? 8_192 : 0}&lastEventId=${lastEventId}`;
  const headers = { authorization: `Bearer ${await sign()}` };
  return statusOf(fetch(`${stack.streamUrl}/v1/poll?${query}`, { headers }));
}

async function askCapabilities({ stack, sign }: InputsWorld, query: string): Promise<number> {
  const headers = { authorization: `Bearer ${await sign()}` };
  return statusOf(fetch(`${stack.streamUrl}/v1/capabilities${query}`, { headers }));
}

async function askPresence({ stack, sign }: InputsWorld, question: string): Promise<number> {
  const headers = { authorization: `Bearer ${await sign()}` };
  return statusOf(fetch(`${stack.streamUrl}/v1/presence${question}`, { headers }));
}

async function postRebind({ stack, sign }: InputsWorld, size: InputSize): Promise<number> {
  const access_token = size === "largest" ? "a.".repeat(8_000) : "a.b.c";
  const answer = await fetch(`${stack.streamUrl}/v1/streams/none-none/token`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${await sign()}` },
    body: JSON.stringify({ access_token }),
  });
  await answer.text();
  return answer.status;
}

async function postReport({ stack, sign }: InputsWorld, size: InputSize): Promise<number> {
  const userAgent = size === "largest" ? `Mozilla/5.0 ${"(X11; Linux) Gecko/1.0 ".repeat(300)}` : "x";
  const headers = { "content-type": "application/json", "user-agent": userAgent };
  return statusOf(
    fetch(`${stack.streamUrl}/v1/reports`, {
      method: "POST",
      headers: { ...headers, authorization: `Bearer ${await sign()}` },
      body: JSON.stringify({ transport: "sse", region: "r".repeat(size === "largest" ? 32 : 1) }),
    }),
  );
}

/** Adds as many topics as a stream may have, in as many characters, to one that is open. */
async function changeOnce({ stack, sign }: InputsWorld, size: InputSize): Promise<number> {
  const token = await sign();
  await using stream = await openTopicStream(stack.edge, "topic=issues.%3E", { token });
  const add = Array.from(
    { length: size === "largest" ? 99 : 1 },
    (_, index) => `issues.*.k${index}.*.${"t".repeat(300)}.>`,
  );
  return (await changeTopics(stack.edge, token, stream.id, { add, remove: [] })).status;
}

async function askClients({ stack, sign }: InputsWorld, method: string, path: string): Promise<number> {
  const headers = { authorization: `Bearer ${await sign()}` };
  const answer = await fetch(`${stack.streamUrl}/v1/clients${path}`, { method, headers });
  await answer.text();
  return answer.status;
}

/** Publishes an event while somebody listens, and waits until it has been delivered. */
async function deliverEvent(world: InputsWorld, payload: Buffer, headerCount: number): Promise<number> {
  return whileListening(world, async () => {
    const headers = natsHeaders();
    for (let index = 0; index < headerCount; index += 1) headers.set(`ce-h${index}`, "v".repeat(200));
    if (headerCount > 0) headers.set("Nats-Msg-Id", randomUUID().padEnd(headerCount * 3, "m"));
    await world.bus.js.publish("events.demo.issues.opened.largest", payload, { headers });
  });
}
