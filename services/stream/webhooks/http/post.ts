import { lookup as lookUp } from "node:dns";
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { LookupFunction } from "node:net";
import { isIP } from "node:net";
import { isListed, isPublicAddress, type ListedHosts } from "../callback-url.ts";

/** What became of a message. */
export type PostOutcome =
  | { readonly is: "delivered" }
  /** The receiver says that it will never be there again (410). */
  | { readonly is: "gone" }
  /** `isAway`: the host takes no messages right now, whatever they are. */
  | { readonly is: "failed"; readonly reason: string; readonly isAway: boolean; readonly retryAfterMs?: number }
  /** Nothing of it was sent: it may not leave any more. */
  | { readonly is: "withheld" };

/** A message for a receiver. */
export interface Message {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Asked right before its first byte leaves. */
  readonly mayLeave: () => boolean;
}

/** How messages are posted. */
export interface PostSettings {
  readonly listed: ListedHosts;
  /** From the first look at the host's name to the head of the answer. */
  readonly timeoutMs: number;
  /** The name's addresses; the system's own resolver unless a test brings another. */
  readonly lookup?: LookupFunction;
}

/** A receiver may ask for that much time at most. */
const MAX_RETRY_AFTER_MS = 3_600_000;

const MAX_IGNORED_BYTES = 4_096;

/** How many connections there are is for those to bound who post: in a queue here one tenant would wait for another. */
const AGENT = { keepAlive: true, maxFreeSockets: 2, timeout: 30_000 } as const;

/** Posts messages to addresses that strangers have chosen. */
export interface Poster extends Disposable {
  /**
   * Posts a message once and answers what became of it; never throws. Where the host is not listed, only a public address is
   * spoken to, by TLS: each address of its name is looked at before the connection, and the connected one again before a byte is
   * written. A redirect is a failure. Of an answer the status and `Retry-After` are read, and nothing else.
   */
  post(message: Message, stop: AbortSignal): Promise<PostOutcome>;
}

/** Opens a poster; disposing of it closes its idle connections. */
export function openPoster(settings: PostSettings): Poster {
  const agents = { "http:": new HttpAgent(AGENT), "https:": new HttpsAgent(AGENT) };
  return {
    async post(message, stop) {
      for (;;) {
        try {
          return outcomeOf(await send(message, settings, agents, stop));
        } catch (error) {
          if (!(error instanceof StaleConnectionError)) return outcomeOfError(error as Error, settings);
        }
      }
    },
    [Symbol.dispose]() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

type Agents = Readonly<Record<"http:" | "https:", HttpAgent | HttpsAgent>>;

async function send(
  { url: text, headers, body, mayLeave }: Message,
  settings: PostSettings,
  agents: Agents,
  stop: AbortSignal,
): Promise<IncomingMessage> {
  const url = new URL(text);
  const isTrusted = isListed(settings.listed, url);
  if (!isTrusted && !isAllowedHost(url)) throw new NotPublicError();
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = {
    method: "POST",
    agent: agents[url.protocol as keyof Agents],
    headers: { ...headers, "content-length": String(body.length) },
    signal: AbortSignal.any([stop, AbortSignal.timeout(settings.timeoutMs)]),
    lookup: isTrusted ? (settings.lookup ?? lookUp) : publicLookup(settings.lookup ?? lookUp),
  };
  const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, options);
  request.once("response", (response) => {
    response.on("error", () => {});
    if (hasShortBody(response)) response.resume();
    else response.destroy();
    resolve(response);
  });
  // Also after the answer, while the rest of it is awaited.
  request.on("error", (error: NodeJS.ErrnoException) => {
    reject(request.reusedSocket && error.code === "ECONNRESET" ? new StaleConnectionError() : error);
  });
  // Nothing else is told of one that goes on in another protocol (101): its turn would never end.
  request.once("close", () => reject(new Error("it answers with another protocol")));
  const leave = (): void => void (mayLeave() ? request.end(body) : request.destroy(new WithheldError()));
  request.once("socket", (socket) => {
    // A connection that was kept was looked at when it was made.
    if (!socket.connecting) return leave();
    socket.once("connect", () => {
      if (!isTrusted && !isPublicAddress(socket.remoteAddress ?? "")) request.destroy(new NotPublicError());
      else if (url.protocol === "http:") leave();
    });
    if (url.protocol === "https:") socket.once("secureConnect", leave);
  });
  return promise;
}

/** The rest of a short answer is read, so that the connection can be kept; a gigabyte is not. */
function hasShortBody({ statusCode, headers }: IncomingMessage): boolean {
  return statusCode === 204 || Number(headers["content-length"] ?? Number.NaN) <= MAX_IGNORED_BYTES;
}

/** A host that is an address is not looked up. */
function isAllowedHost({ protocol, hostname }: URL): boolean {
  const address = hostname.replace(/^\[(.*)\]$/, "$1");
  return protocol === "https:" && (isIP(address) === 0 || isPublicAddress(address));
}

/** A look-up that finds public addresses alone. Whoever may make a subscription must not learn by it which names a network has. */
function publicLookup(lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      const addresses = (Array.isArray(found) ? found : []).filter(({ address }) => isPublicAddress(address));
      const [first] = addresses;
      if (error?.code === "ENOTFOUND") callback(new NotPublicError({ isAway: true }), "");
      else if (error !== null) callback(error, "");
      else if (first === undefined) callback(new NotPublicError(), "");
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

class NotPublicError extends Error {
  override readonly name = "NotPublicError";
  /** Its name is not known right now. */
  readonly isAway: boolean;

  constructor({ isAway } = { isAway: false }) {
    super("the host has no public address, and is not listed in STREAM_WEBHOOK_HOSTS");
    this.isAway = isAway;
  }
}

/** The receiver closed a connection that was kept, while the message was on its way: another one is tried. */
class StaleConnectionError extends Error {
  override readonly name = "StaleConnectionError";
}

/** The message may not leave any more. */
class WithheldError extends Error {
  override readonly name = "WithheldError";
}

function outcomeOf({ statusCode = 0, headers }: IncomingMessage): PostOutcome {
  if (statusCode >= 200 && statusCode < 300) return { is: "delivered" };
  if (statusCode === 410) return { is: "gone" };
  const retryAfterMs = readRetryAfter(headers["retry-after"]);
  const reason =
    statusCode >= 300 && statusCode < 400
      ? `the receiver answers with a redirect (${statusCode}), which is not followed`
      : `the receiver answers ${statusCode}`;
  const isAway = statusCode >= 500 || statusCode === 429;
  return { is: "failed", reason, isAway, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

/** Seconds; a date is as good as nothing, since the receiver's clock is its own. */
function readRetryAfter(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Math.min(Number(text) * 1_000, MAX_RETRY_AFTER_MS) : undefined;
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection is refused",
  ECONNRESET: "the receiver breaks the connection off",
  EPIPE: "the receiver breaks the connection off",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name cannot be looked up right now",
  CERT_HAS_EXPIRED: "TLS: the receiver's certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "TLS: the receiver's certificate is for another name",
};

function outcomeOfError(error: Error, settings: PostSettings): PostOutcome {
  if (error instanceof WithheldError) return { is: "withheld" };
  if (error instanceof NotPublicError) return { is: "failed", reason: error.message, isAway: error.isAway };
  return { is: "failed", reason: reasonOf(error, settings), isAway: true };
}

function reasonOf(error: NodeJS.ErrnoException, { timeoutMs }: PostSettings): string {
  if (error.name === "AbortError") return `the receiver does not answer within ${timeoutMs / 1_000} s`;
  const { code = "" } = error;
  if (code.includes("CERT") || code.includes("SIGNATURE")) return REASONS[code] ?? "TLS: unknown authority";
  return REASONS[code] ?? `the receiver cannot be reached (${code === "" ? error.message : code})`;
}
