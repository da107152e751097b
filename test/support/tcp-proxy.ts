import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/**
 * The network's state, for open connections and new ones: everything passes; nothing passes and no connection closes, as in
 * a partition; nothing passes in that one direction; everything passes that many milliseconds later; one byte a second passes;
 * the target's side is closed and the client's is not; every connection is reset.
 */
export type ProxyMode = Passage | "no-requests" | "no-replies" | "half-close" | "reset";

/** What one direction of a connection does with what comes. */
type Passage = "pass" | "blackhole" | { readonly delayMs: number } | "trickle";

/** Modes in which an end that is seen on one side is not told to the other. */
const CUTS: readonly ProxyMode[] = ["blackhole", "no-requests", "no-replies"];

/** What a mode means for requests, then for replies. */
function passagesOf(mode: ProxyMode): readonly [Passage, Passage] {
  if (mode === "no-requests") return ["blackhole", "pass"];
  if (mode === "no-replies") return ["pass", "blackhole"];
  if (mode === "half-close" || mode === "reset") return ["pass", "pass"];
  return [mode, mode];
}

/** A TCP proxy in front of a local port. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Changes the mode for every byte from here on; held bytes pass once the mode lets them. */
  set(mode: ProxyMode): void;
  /** Leads new connections to another local port, as a name does that points elsewhere now. */
  lead(target: number): void;
  /** Lets the next request through, and cuts its connection when the reply arrives. */
  loseNextReply(): void;
}

/** Starts the proxy, on a free port or on that one; nothing has to listen on `target` yet. */
export async function startTcpProxy(firstTarget: number, port = 0): Promise<TcpProxy> {
  let target = firstTarget;
  const links = new Set<Link>();
  let mode: ProxyMode = "pass";
  let isLosing = false;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const link = new Link(client, target, mode, () => {
      const isLost = isLosing;
      isLosing = false;
      return isLost;
    });
    links.add(link);
    void link.closed.then(() => links.delete(link));
  }).listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    set(next) {
      mode = next;
      for (const link of links) link.set(next);
    },
    lead: (next) => void (target = next),
    loseNextReply: () => void (isLosing = true),
    async [Symbol.asyncDispose]() {
      for (const link of links) link.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A client's connection and the one to the target that was made for it. */
class Link {
  readonly closed: Promise<unknown>;
  readonly #client: Socket;
  readonly #target: Socket;
  readonly #pipes: readonly [Pipe, Pipe];
  #mode: ProxyMode = "pass";

  constructor(client: Socket, target: number, mode: ProxyMode, isLost: () => boolean) {
    this.#client = client;
    this.#target = connect({ port: target, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    this.#pipes = [
      new Pipe(client, this.#target),
      new Pipe(this.#target, client, () => {
        if (isLost()) this.destroy();
      }),
    ];
    const sockets = [client, this.#target];
    this.closed = Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve))));
    for (const socket of sockets) {
      socket.on("error", () => {});
      socket.on("close", () => this.#closeBoth());
    }
    this.set(mode);
  }

  set(mode: ProxyMode): void {
    this.#mode = mode;
    const [requests, replies] = passagesOf(mode);
    this.#pipes[0].set(requests);
    this.#pipes[1].set(replies);
    if (mode === "reset") for (const socket of [this.#client, this.#target]) socket.resetAndDestroy();
    if (mode === "half-close") this.#client.end();
    this.#closeBoth();
  }

  destroy(): void {
    this.#client.destroy();
    this.#target.destroy();
  }

  /** Closes a link's other connection when one is gone, except in a partition or while bytes are held. */
  #closeBoth(): void {
    if (CUTS.includes(this.#mode) || this.#pipes.some((pipe) => pipe.isHolding)) return;
    if (this.#client.destroyed) this.#target.destroy();
    if (this.#target.destroyed) this.#client.destroy();
  }
}

/** Beyond this, nothing is read until something has left. */
const MAX_HELD_CHUNKS = 64;

/** One direction of a link: what came and has not left yet. */
class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #held: { bytes: Buffer; readonly at: number }[] = [];
  #mode: Passage = "pass";
  #isEnded = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, onBytes?: () => void) {
    this.#from = from;
    this.#to = to;
    from.on("data", (bytes: Buffer) => {
      onBytes?.();
      this.#held.push({ bytes, at: performance.now() });
      this.#pump();
    });
    from.on("end", () => {
      this.#isEnded = true;
      this.#pump();
    });
    to.on("drain", () => this.#pump());
    to.on("close", () => clearTimeout(this.#timer));
  }

  get isHolding(): boolean {
    return this.#held.length > 0 && !this.#to.destroyed;
  }

  set(mode: Passage): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#mode = mode;
    this.#pump();
  }

  #pump(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      if (this.#to.writable && !this.#to.write(next)) break;
    }
    if (this.#held.length >= MAX_HELD_CHUNKS) this.#from.pause();
    else this.#from.resume();
    if (this.#isEnded && this.#held.length === 0 && this.#mode !== "blackhole") this.#to.end();
  }

  /** The bytes that may leave now. */
  #next(): Buffer | undefined {
    const [first] = this.#held;
    if (first === undefined || this.#mode === "blackhole" || this.#timer !== undefined) return undefined;
    if (this.#mode === "trickle") {
      this.#wait(1_000);
      const byte = first.bytes.subarray(0, 1);
      first.bytes = first.bytes.subarray(1);
      if (first.bytes.length === 0) this.#held.shift();
      return byte;
    }
    const due = typeof this.#mode === "object" ? first.at + this.#mode.delayMs - performance.now() : 0;
    if (due <= 0) return this.#held.shift()?.bytes;
    this.#wait(due);
    return undefined;
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pump();
    }, ms);
  }
}
