import { createInbox, type Msg, nanos, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import { AppError } from "#shared/errors/app-error.ts";
import type { StoredMessage } from "./decode-entry.ts";
import { headerBlockOf } from "#shared/nats/header-block.ts";
import { statusOf, statusTextOf } from "./message-headers.ts";
import type { Pacing } from "./pacing.ts";
import { whileOpen } from "#shared/nats/while-open.ts";

/**
 * Requests under way at a time: while the messages of one come, JetStream has another one already. The client of the library asks
 * for a number of messages or of bytes and not for both, so 250 MB of a single tenant could be under way.
 */
const REQUESTS = 2;

/** The bytes of messages that one request asks for, at most. A larger message is asked for by itself. */
const REQUEST_BYTES = 4 * 1024 * 1024;

/** Intervals without a heartbeat after which a consumer is given up. */
const MISSED_HEARTBEATS = 2;

const STATUS = { heartbeat: 100, noMessages: 404, timeout: 408, conflict: 409 } as const;

/** A pull consumer to read, and the receiver of its messages. */
export interface PullDeps {
  readonly nats: NatsConnection;
  readonly stream: string;
  readonly consumer: string;
  readonly pacing: Pacing;
  readonly onMessage: (message: StoredMessage) => void;
  /** Resolves once more may be asked for; undefined where that is so already. */
  readonly room: () => Promise<void> | undefined;
  /** The consumer lives, and has nothing new. */
  readonly onHeartbeat: () => void;
  /** The consumer is not to be used any more. Called once or more. */
  readonly onEnd: (reason: Error) => void;
}

/** Reads a consumer in order until disposed, with few bytes under way. */
export function pullMessages(deps: PullDeps): Disposable {
  return new Pull(deps);
}

class Pull implements Disposable {
  readonly #deps: PullDeps;
  readonly #requests: readonly Request[];
  readonly #monitor: NodeJS.Timeout;
  #heardAt = performance.now();
  #isOver = false;

  constructor(deps: PullDeps) {
    this.#deps = deps;
    this.#requests = Array.from({ length: REQUESTS }, () => this.#createRequest());
    this.#monitor = setInterval(() => this.#endWhenSilent(), deps.pacing.heartbeatMs);
    for (const request of this.#requests) void this.#ask(request);
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    clearInterval(this.#monitor);
    for (const { subscription } of this.#requests) subscription.unsubscribe();
  }

  #createRequest(): Request {
    const { nats } = this.#deps;
    const inbox = createInbox(inboxPrefixOf(nats));
    const request: Request = {
      inbox,
      subscription: nats.subscribe(inbox, {
        callback: (error, message) => {
          if (this.#isOver) return;
          if (error !== null) return this.#deps.onEnd(error);
          // A process that stood still hears now what was sent before, and may have been erased since.
          if (this.#isSilent) return this.#endWhenSilent();
          this.#heardAt = performance.now();
          if (message.subject === inbox) this.#takeStatus(request, message);
          else this.#takeMessage(request, message);
        },
      }),
      left: 0,
      got: 0,
      isTooSmall: false,
    };
    return request;
  }

  /** Asks for messages as soon as there is room for them. */
  async #ask(request: Request): Promise<void> {
    request.left = 0;
    for (let room = this.#deps.room(); room !== undefined; room = this.#deps.room()) await room;
    if (this.#isOver) return;
    const { nats, stream, consumer, pacing } = this.#deps;
    const bounds = request.isTooSmall
      ? { batch: 1 }
      : { batch: Math.ceil(pacing.maxMessages / REQUESTS), max_bytes: REQUEST_BYTES };
    const times = { idle_heartbeat: nanos(pacing.heartbeatMs), expires: nanos(pacing.pullExpiresMs) };
    Object.assign(request, { left: bounds.batch, got: 0, isTooSmall: false });
    this.#heardAt = performance.now();
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
    whileOpen(() => nats.publish(subject, JSON.stringify({ ...bounds, ...times }), { reply: request.inbox }));
  }

  #takeMessage(request: Request, message: Msg): void {
    request.left -= 1;
    request.got += 1;
    const stored = storedMessageOf(message);
    this.#deps.onMessage(stored);
    if (endsAnswers(stored)) this.#endBehindEmpty();
    else if (request.left === 0) void this.#ask(request);
  }

  /** What comes later on the other request comes again: of what lies between, a part went to this one, and is lost. */
  #endBehindEmpty(): void {
    this.#isOver = true;
    this.#deps.onEnd(new AppError("unavailable", "a message without a payload has ended a request"));
  }

  #takeStatus(request: Request, message: Msg): void {
    const block = headerBlockOf(message);
    const code = block === undefined ? 0 : statusOf(block);
    const text = block === undefined ? "" : statusTextOf(block);
    if (code === STATUS.heartbeat) return this.#deps.onHeartbeat();
    const isFull = code === STATUS.conflict && /exceeds maxbytes/i.test(text);
    // Messages that are gone count for the server, which says at the end that there were as many as asked for.
    const isCounted = code === STATUS.conflict && /batch completed/i.test(text);
    const isDone = isFull || isCounted || code === STATUS.timeout || code === STATUS.noMessages;
    if (!isDone) return this.#deps.onEnd(new AppError("unavailable", `the consumer reports ${code} ${text}`));
    request.isTooSmall = isFull && request.got === 0;
    void this.#ask(request);
  }

  /** While nothing is asked for, nothing comes. */
  get #isSilent(): boolean {
    const isAsked = this.#requests.some(({ left }) => left > 0);
    return isAsked && performance.now() - this.#heardAt > MISSED_HEARTBEATS * this.#deps.pacing.heartbeatMs;
  }

  #endWhenSilent(): void {
    if (!this.#isSilent) return;
    this.#isOver = true;
    this.#deps.onEnd(new AppError("unavailable", "the consumer's heartbeats are missing"));
  }
}

/** A request for messages, which is made anew whenever it is over. */
interface Request {
  /** Of each its own: a message does not say which request it answers. */
  readonly inbox: string;
  readonly subscription: Subscription;
  /** Messages that it may still bring; 0 while it is not made. */
  left: number;
  got: number;
  /** The next message is larger than a request may bring. */
  isTooSmall: boolean;
}

/**
 * Whether the broker passes no further message on for the request that a message came for. Between accounts it takes one with
 * nothing in it for the end of all answers, and JetStream, which knows nothing of that, goes on sending.
 */
function endsAnswers({ data, headers }: StoredMessage): boolean {
  return data.length === 0 && headers === undefined;
}

/** The prefix that the connection's user may subscribe under. */
function inboxPrefixOf(nats: NatsConnection): string | undefined {
  return (nats as unknown as { readonly options: { readonly inboxPrefix?: string } }).options.inboxPrefix;
}

/**
 * A message with its place in the log. The reply subject says it: `$JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.<consumer
 * sequence>.<nanoseconds>.<pending>`, with the domain and the account before the stream where there is one (ADR-15).
 */
function storedMessageOf(message: Msg): StoredMessage {
  const tokens = message.reply?.split(".") ?? [];
  const at = tokens.length === 9 ? 5 : 7;
  const [seq, storedAtNanos] = [Number(tokens[at]), BigInt(tokens[at + 2] ?? 0)];
  return { subject: message.subject, seq, data: message.data, storedAtNanos, headers: headerBlockOf(message) };
}
