import { setTimeout as delay } from "node:timers/promises";
import { appendLedger, type Entry, monotonicMs } from "#test/support/checker/ledger.ts";
import { openRawStream, type RawStream } from "#test/support/raw-stream.ts";

// A process of its own that holds many clients of the same edge, each with its own token, and writes their ledger.
//
//   { port, file, clients: [{ name, topic, token }] } → "open" once every stream is in force; with `atOnce` all try at once
//   "storm"                                           → kills all connections at once; each client comes back after its last id;
//                                                       "open" once every stream is in force again
//   { moveTo }                                        → each client comes back at that port, whenever its stream ends; "moved" once
//                                                       every stream is in force there
//   { end }                                           → "over" once every client has an event whose text begins with that

interface Begin {
  readonly port: number;
  readonly file: string;
  readonly clients: readonly { readonly name: string; readonly topic: string; readonly token: string }[];
  readonly atOnce?: boolean;
}

/** New connections at a time, until all are open for the first time: the storm is another matter. */
const OPENING_AT_A_TIME = 100;

const entries: Entry[] = [];
let clients: readonly Client[] = [];

process.on("message", (message: Begin | "storm" | { readonly moveTo: number } | { readonly end: string }) => {
  if (message === "storm") void storm();
  else if ("moveTo" in message) void move(message.moveTo);
  else if ("end" in message) void finish(message.end);
  else void begin(message);
});

async function begin({ port, file, clients: wanted, atOnce = false }: Begin): Promise<void> {
  clients = wanted.map((each, index) => new Client(each, port, `127.0.${1 + (index % 50)}.1`));
  const atATime = atOnce ? clients.length : OPENING_AT_A_TIME;
  for (let from = 0; from < clients.length; from += atATime) {
    await Promise.all(clients.slice(from, from + atATime).map((client) => client.open()));
  }
  setInterval(() => appendLedger(file, entries.splice(0)), 250);
  process.on("exit", () => appendLedger(file, entries.splice(0)));
  process.send?.("open");
}

async function storm(): Promise<void> {
  for (const client of clients) client.kill();
  await Promise.all(clients.map((client) => client.open()));
  process.send?.("open");
}

async function move(port: number): Promise<void> {
  await Promise.all(clients.map((client) => client.moveTo(port)));
  process.send?.("moved");
}

async function finish(end: string): Promise<void> {
  while (clients.some(({ lastText }) => !lastText.startsWith(end))) await delay(50);
  for (const { name, lastText } of clients) entries.push({ of: "complete", client: name, text: lastText });
  process.send?.("over", () => process.exit());
}

class Client {
  readonly name: string;
  lastText = "";
  #port: number;
  #onMoved: (() => void) | undefined;
  readonly #localAddress: string;
  readonly #path: string;
  readonly #token: string;
  #connections = 0;
  #lastId: string | undefined;
  #stream: RawStream | undefined;

  constructor({ name, topic, token }: Begin["clients"][number], port: number, localAddress: string) {
    this.name = name;
    this.#port = port;
    this.#localAddress = localAddress;
    this.#path = `/v1/stream?topic=${topic}`;
    this.#token = token;
  }

  /** Connects until a stream is in force, after the last id. */
  async open(): Promise<void> {
    const ready = Promise.withResolvers<void>();
    void this.#keepOpen(ready.resolve);
    await ready.promise;
  }

  /** Comes back at another port from now on. Resolves once a stream is in force there. */
  async moveTo(port: number): Promise<void> {
    const moved = Promise.withResolvers<void>();
    this.#port = port;
    this.#onMoved = moved.resolve;
    await moved.promise;
  }

  kill(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.kill();
  }

  async #keepOpen(onReady: () => void): Promise<void> {
    for (;;) {
      const stream = this.#connect(onReady);
      this.#stream = stream;
      const retryMs = await stream.closed;
      if (this.#stream !== stream) return;
      await delay(retryMs);
    }
  }

  #connect(onReady: () => void): RawStream {
    const { name } = this;
    // A stream that was opened at the old port may be in force only now.
    const onMoved = this.#onMoved;
    const connection = `${name}/${this.#connections++}`;
    entries.push({ of: "opened", client: name, tenant: "demo", connection, after: this.#lastId, at: monotonicMs() });
    return openRawStream({
      port: this.#port,
      localAddress: this.#localAddress,
      path: this.#path,
      token: this.#token,
      lastEventId: this.#lastId,
      onFrame: ({ event, id, data }) => {
        this.#lastId = id ?? this.#lastId;
        const isOurs = event !== "message";
        if (!isOurs) this.lastText = data;
        // What `ready` says would fill the ledger: nobody reads it there.
        const text = event === "ready" ? "" : data;
        entries.push({ of: "received", client: name, connection, event, id, text, at: monotonicMs() });
        if (event !== "ready") return;
        onReady();
        onMoved?.();
      },
    });
  }
}
