import { headers as natsHeaders } from "@nats-io/transport-node";
import { openEventStream } from "#test/support/event-stream.ts";
import type { InputsWorld } from "./inputs-world.ts";
import type { InputSize, OutsideInput } from "./outside-input.ts";

/** A topic token may be this long. */
const TOKEN_CHARACTERS = 768;

/** What browsers, programs and producers may send to an edge. */
export function edgeInputs(world: InputsWorld): readonly OutsideInput[] {
  const { edge: service } = world;
  const edge = (name: string, send: OutsideInput["send"], refusals: readonly number[] = []): OutsideInput => ({
    name: `edge, ${name}`,
    service,
    refusals,
    send,
  });
  return [
    edge("topics of a stream", async (size) => openAndClose(world, topicsQuery(size), {})),
    edge("a long topic", async (size) => openAndClose(world, `topic=issues.${longTokens(size, 3)}`, {}), [403]),
    edge("a token's groups", async (size) => {
      const groups = Array.from(
        { length: size === "largest" ? 900 : 1 },
        (_, index) => `group-${index}-${"g".repeat(40)}`,
      );
      return openAndClose(world, "topic=issues.>", { token: await world.sign({ groups }) });
    }),
    edge(
      "a header that is no token",
      async (size) => {
        const token = size === "largest" ? "a.".repeat(40_000) : "a.b.c";
        return openAndClose(world, "topic=issues.>", { token });
      },
      [401],
    ),
    edge(
      "cookies",
      async (size) => {
        const count = size === "largest" ? 4_000 : 1;
        const cookie = Array.from({ length: count }, (_, index) => `auth_token=x${index}`).join("; ");
        return openAndClose(world, "topic=issues.>", { token: "", headers: { cookie } });
      },
      [401],
    ),
    edge("headers", async (size) => {
      const count = size === "largest" ? 90 : 1;
      const headers = Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, "v".repeat(200)]));
      return openAndClose(world, "topic=issues.>", { headers });
    }),
    edge("an id to resume from", async (size) => {
      const lastEventId = size === "largest" ? `${"e".repeat(110)}.1.0` : "e.1.0";
      return openAndClose(world, "topic=issues.>", { lastEventId });
    }),
    edge("a rebind's body", (size) => postRebind(world, size), [400, 401, 403, 404, 413]),
    edge("an event's payload", (size) => deliverEvent(world, size === "largest" ? 1_000_000 : 10, 0)),
    edge("an event's headers", (size) => deliverEvent(world, 10, size === "largest" ? 60 : 1)),
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
  { edge, sign }: InputsWorld,
  query: string,
  { token, ...options }: Opening,
): Promise<number> {
  const url = `http://127.0.0.1:${edge.ports.http}/v1/stream?${query}`;
  const withToken = token === "" ? {} : { token: token ?? (await sign()) };
  await using stream = await openEventStream(url, { ...options, ...withToken });
  if (stream.status === 200) await stream.frame((frame) => frame.event === "ready");
  return stream.status;
}

async function postRebind({ edge, sign }: InputsWorld, size: InputSize): Promise<number> {
  const access_token = size === "largest" ? "a.".repeat(8_000) : "a.b.c";
  const answer = await fetch(`http://127.0.0.1:${edge.ports.http}/v1/streams/none-none/token`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${await sign()}` },
    body: JSON.stringify({ access_token }),
  });
  await answer.text();
  return answer.status;
}

/** Publishes an event while somebody listens, and waits until it has been delivered. */
async function deliverEvent({ edge, sign, bus }: InputsWorld, bytes: number, headerCount: number): Promise<number> {
  const url = `http://127.0.0.1:${edge.ports.http}/v1/stream?topic=issues.>&format=cloudevents`;
  await using stream = await openEventStream(url, { token: await sign() });
  await stream.frame((frame) => frame.event === "ready");
  const headers = natsHeaders();
  for (let index = 0; index < headerCount; index += 1) headers.set(`ce-h${index}`, "v".repeat(200));
  await bus.js.publish("events.demo.issues.opened.largest", JSON.stringify("p".repeat(bytes)), { headers });
  await stream.receive(1);
  return stream.status;
}
