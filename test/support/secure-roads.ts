import { randomUUID } from "node:crypto";
import { WebSocket } from "ws";
import { createClient, type SecureAnswer, type SecurePlace, seen } from "./https-client.ts";
import type { Bus } from "./start-stack.ts";
import { waitFor } from "./wait.ts";

/** Who opens the roads, and where the event is published. */
export interface RoadsOptions {
  readonly token: string;
  readonly bus: Bus;
}

/**
 * Opens a stream by lines of JSON and a poll over one HTTP/2 connection, and a WebSocket over HTTP/1.1, as browsers do; publishes an
 * event, and answers which roads have brought it.
 */
export async function tryRoads(place: SecurePlace, { token, bus }: RoadsOptions): Promise<readonly string[]> {
  using client = createClient["HTTP/2"](place);
  const headers = { authorization: `Bearer ${token}` };
  const [stream, poll] = ["/v1/stream?topic=push.>", "/v1/poll?topic=push.>"];
  const lines = await client.ask({ path: stream, headers: { ...headers, accept: "application/x-ndjson" } });
  await seen(lines, '"event":"ready"');
  await using socket = await openSecureWebSocket(place, stream, headers);
  const first = await client.ask({ path: poll, headers });
  await first.end;
  const { next } = JSON.parse(first.text()) as { next: string };
  const polling = client.ask({ path: poll, headers: { ...headers, "last-event-id": next } });
  const text = `by every road ${randomUUID()}`;
  await bus.publish("events.demo.push.event.k", text);
  await seen(lines, text);
  await socket.message(text);
  await seen(await polling, text);
  return ["ndjson", "websocket", "poll"];
}

/** Asks until a stream has begun with this text; a proxy may not know yet that its edge is back. */
export function untilBegun(ask: () => Promise<SecureAnswer>, begin: string): Promise<SecureAnswer> {
  return waitFor("a stream begins", async () => {
    const stream = await ask();
    const hasBegun = (): boolean => stream.text().includes(begin);
    await waitFor("an answer", () => hasBegun() || stream.text().includes("event: busy"));
    return hasBegun() && stream;
  });
}

async function openSecureWebSocket({ port, name, ca }: SecurePlace, path: string, headers: Record<string, string>) {
  const options = { ca, servername: name, headers: { ...headers, host: `${name}:${port}` } };
  const socket = new WebSocket(`wss://127.0.0.1:${port}${path}`, [], options);
  const messages: string[] = [];
  let failure: Error | undefined;
  socket.on("error", (error) => (failure = error));
  socket.on("message", (bytes: Buffer) => void messages.push(bytes.toString()));
  const message = (part: string): Promise<string> =>
    waitFor(`a message with ${part}`, () => {
      if (failure !== undefined) throw failure;
      return messages.find((text) => text.includes(part));
    });
  await message('"event":"ready"');
  return { message, [Symbol.asyncDispose]: async () => socket.terminate() };
}
