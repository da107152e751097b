import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listenHere } from "./listen-here.ts";
import { waitFor } from "./wait.ts";

/** A CloudEvent as a receiver reads it. */
export interface ReceivedEvent {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
}

/** A message as a receiver got it. */
export interface ReceivedMessage {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly events: readonly ReceivedEvent[];
}

/** How a receiver answers a message. */
export type Answering = (response: ServerResponse, message: ReceivedMessage) => void;

/** Takes what it is sent. */
export const ACCEPT: Answering = (response) => void response.writeHead(204).end();

/** A receiver of webhooks on this machine. */
export interface WebhookReceiver extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  readonly messages: readonly ReceivedMessage[];
  /** How it answers from now on. */
  answer: Answering;
  /** The data of all events that came, once there are as many. */
  receive(count: number): Promise<unknown[]>;
}

/** Starts a receiver that takes everything. */
export async function startReceiver(): Promise<WebhookReceiver> {
  const messages: ReceivedMessage[] = [];
  const receiver = { answer: ACCEPT };
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const message = await read(request);
    messages.push(message);
    receiver.answer(response, message);
  };
  const server = createServer((request, response) => void take(request, response));
  const listening = await listenHere(server);
  const host = `127.0.0.1:${listening.port}`;
  const data = (): unknown[] => messages.flatMap(({ events }) => events.map((event) => event.data));
  return Object.assign(receiver, {
    url: `http://${host}/hook`,
    host,
    messages,
    async receive(count: number) {
      await waitFor(`${count} events`, () => data().length >= count);
      return data();
    },
    [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose](),
  });
}

/** Whether a message is signed by that secret, as Standard Webhooks has it. */
export function isSigned({ headers, body }: ReceivedMessage, secret: string): boolean {
  const content = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
  const expected = createHmac("sha256", Buffer.from(secret.slice("whsec_".length), "base64"))
    .update(content)
    .digest();
  return String(headers["webhook-signature"])
    .split(" ")
    .map((signature) => Buffer.from(signature.slice("v1,".length), "base64"))
    .some((given) => given.length === expected.length && timingSafeEqual(given, expected));
}

async function read(request: IncomingMessage): Promise<ReceivedMessage> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  return { headers: request.headers, body, events: JSON.parse(body) as ReceivedEvent[] };
}
