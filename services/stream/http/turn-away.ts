import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { corsHeaders } from "#shared/http/cors.ts";
import { type Problem, problemOf } from "#shared/http/problem.ts";
import { requestIdOf } from "#shared/http/request-id.ts";
import { type BusyReason, busyTexts } from "#shared/protocol/busy-reasons.ts";
import type { ControlData } from "#shared/protocol/control-frames.ts";
import type { Admission } from "../admission/admission.ts";
import { refusalFor } from "../admission/refusal.ts";
import type { Observer } from "../observe/observer.ts";
import type { OverloadGuard } from "../overload/overload-guard.ts";
import { encodeControl } from "../frames/encode-frame.ts";
import type { RetryDelays, Shortage } from "../sse/retry-delay.ts";
import type { Transports } from "../transports/transports.ts";
import type { TrustedProxies } from "#shared/http/client-address.ts";
import { callerAddressOfSocket } from "./caller-address.ts";
import { busyUpgrade, WEBSOCKET_KEY } from "../websocket/busy-upgrade.ts";
import { originForm } from "./origin-form.ts";
import { endHandshake } from "./end-handshake.ts";
import { type HandshakeTaker, takeSocket } from "./handshake-socket.ts";
import { single } from "#shared/http/single-header.ts";
import { encodePoll } from "./roads/encode-poll.ts";
import { lastEventIdOf } from "./roads/poll-road.ts";
import {
  EVENT_STREAM,
  HANDSHAKE_PATHS,
  type HandshakePath,
  NDJSON,
  POLL_PATH,
  STREAM_PATH,
  TRANSPORTS_HEADER,
  VARY,
} from "./stream-headers.ts";

/** What decides whether anybody is let in. */
export interface Gate {
  readonly admission: Admission;
  readonly overload: Pick<OverloadGuard, "isRefusing">;
}

/** The edge, as far as turning away uses it. */
export interface TurnAwayDeps {
  readonly edge: Gate & {
    readonly retryDelays: RetryDelays;
    readonly transports: Pick<Transports, "all">;
    readonly observer: Pick<Observer, "turnedAway">;
  };
  readonly allowedOrigins: readonly string[];
  readonly trusted: TrustedProxies;
}

/** A request, as far as it is looked at. */
interface Asked {
  readonly target: string;
  /** A header by its lower-case name. */
  readonly read: (name: HeaderName) => string | undefined;
}

type HeaderName = keyof typeof HEADERS;

/** Headers are looked for in the text: a parser costs more than the answer. */
const HEADERS = {
  origin: /\r\norigin:[ \t]*([^\r]*)/i,
  accept: /\r\naccept:[ \t]*([^\r]*)/i,
  upgrade: /\r\nupgrade:[ \t]*([^\r]*)/i,
  "last-event-id": /\r\nlast-event-id:[ \t]*([^\r]*)/i,
  "x-request-id": /\r\nx-request-id:[ \t]*([^\r]*)/i,
  "x-sluice-client": /\r\nx-sluice-client:[ \t]*([^\r]*)/i,
  "sec-websocket-key": /\r\nsec-websocket-key:[ \t]*([^\r]*)/i,
  "sec-websocket-protocol": /\r\nsec-websocket-protocol:[ \t]*([^\r]*)/i,
};

/** The status lines that an asker can get. */
const STATUS_LINES: Readonly<Record<number, string>> = {
  200: "HTTP/1.1 200 OK",
  429: "HTTP/1.1 429 Too Many Requests",
  503: "HTTP/1.1 503 Service Unavailable",
};

/** The beginning of each request for a stream or a poll, with its target and its path. */
const REQUEST_LINE = new RegExp(`^GET ((${HANDSHAKE_PATHS.join("|")})(?:\\?[^ ]*)?) `);

/** A head that has no body and no next request behind it. */
const HEAD_END = "\r\n\r\n";

/** A connection on which nobody says anything is not kept, as node:http does not. */
const SILENCE_MS = 10_000;

/** Of what the edge is short where it turns clients away; nobody has looked for whom they ask. */
const SHORTAGES: Partial<Record<BusyReason, Shortage>> = { full: "places", overload: "time" };

/** Counts a request of an address, before anything of it but its path is read; answers why it is turned away, if it is. */
export function knock(
  { admission, overload }: Gate,
  address: string | undefined,
  path: HandshakePath = STREAM_PATH,
): BusyReason | undefined {
  return admission.knock(address, path === POLL_PATH) ?? (overload.isRefusing ? "overload" : undefined);
}

/** Answers a request for a stream before anything of it is parsed but its headers, and closes its connection. */
export function turnAway(deps: TurnAwayDeps, request: IncomingMessage, reason: BusyReason): void {
  const asked = { target: originForm(request.url), read: (name: HeaderName) => single(request.headers[name]) };
  answer(deps, takeSocket(request), reason, asked);
}

/**
 * Takes connections while nobody can be let in, or nobody of their address: a request for a stream is answered without node:http,
 * which costs a third of what it costs with it. Everything else goes on as ever.
 */
export function createEarlyRefusals(deps: TurnAwayDeps): HandshakeTaker {
  const { admission, overload } = deps.edge;
  const closedTo = (address: string | undefined, path: string): BusyReason | undefined =>
    admission.closedTo(address, path === POLL_PATH) ?? (overload.isRefusing ? "overload" : undefined);
  return (socket, goOn) => {
    const address = callerAddressOfSocket(socket, deps.trusted);
    if (HANDSHAKE_PATHS.every((path) => closedTo(address, path) === undefined)) return goOn();
    const drop = (): void => void socket.destroy();
    socket.on("error", ignore).setTimeout(SILENCE_MS, drop);
    socket.once("data", (bytes) => {
      const head = bytes.toString("latin1");
      const [, target = "", path] = REQUEST_LINE.exec(head) ?? [];
      const reason = path === undefined ? undefined : closedTo(address, path);
      if (reason !== undefined && head.indexOf(HEAD_END) === head.length - 4) {
        return answer(deps, socket, reason, { target, read: (name) => HEADERS[name].exec(head)?.[1] });
      }
      socket.pause().setTimeout(0).off("timeout", drop).off("error", ignore);
      socket.unshift(bytes);
      goOn();
    });
    // A client that closes its side without a word, which a server that keeps half-open connections sees as an end.
    socket.once("end", () => void (socket.bytesRead === 0 && socket.destroy()));
  };
}

/** What a client does to its own connection is no failure of ours. */
function ignore(): void {}

function answer({ edge, allowedOrigins }: TurnAwayDeps, socket: Socket, reason: BusyReason, asked: Asked): void {
  const { read } = asked;
  edge.observer.turnedAway(reason);
  const retryMs = edge.retryDelays.forRefused("", SHORTAGES[reason] ?? "none");
  const requestId = requestIdOf(read("x-request-id"));
  const transports = { [TRANSPORTS_HEADER]: edge.transports.all.join(", ") };
  const headers = { ...transports, ...corsHeaders(read("origin"), allowedOrigins), vary: VARY };
  const busy = { reason, detail: busyTexts[reason], retryMs };
  const key = pageKey(asked);
  if (key !== undefined) {
    const lines = linesOf({ "x-request-id": requestId, ...headers });
    return endHandshake(socket, busyUpgrade({ key, offered: read("sec-websocket-protocol") }, busy, lines));
  }
  const problem = (): Problem => problemOf(refusalFor(reason, Math.ceil(retryMs / 1_000)), requestId);
  const answered = readsStatus(asked) ? problem() : busyOf(asked, busy, requestId);
  endHandshake(socket, textOf(answered, headers));
}

/** The key of a page's WebSocket, which learns nothing of a status; undefined where none is asked for, or a program asks. */
function pageKey({ read }: Asked): string | undefined {
  if (read("upgrade")?.toLowerCase() !== "websocket" || read("origin") === undefined) return undefined;
  const key = read("sec-websocket-key") ?? "";
  return WEBSOCKET_KEY.test(key) && read("x-sluice-client") === undefined ? key : undefined;
}

function readsStatus({ read }: Asked): boolean {
  return read("x-sluice-client") !== undefined || read("upgrade")?.toLowerCase() === "websocket";
}

function textOf({ status, headers, body }: Problem, others: Record<string, string>): string {
  const lines = linesOf({ ...headers, ...others, "content-length": String(Buffer.byteLength(body)) });
  return [STATUS_LINES[status], ...lines, "connection: close", "", body].join("\r\n");
}

function linesOf(headers: Record<string, string>): string[] {
  return Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
}

function busyOf({ target, read }: Asked, busy: ControlData["busy"], requestId: string): Problem {
  if (target.split("?", 1)[0] === POLL_PATH) return busyPoll({ target, read }, busy, requestId);
  const framing = read("accept")?.includes(NDJSON) === true ? "ndjson" : "sse";
  const headers = {
    "content-type": framing === "ndjson" ? NDJSON : EVENT_STREAM,
    "cache-control": "no-store, no-transform",
    "x-request-id": requestId,
  };
  return { status: 200, headers, body: encodeControl({ framing }, "busy", busy).toString() };
}

function busyPoll({ target, read }: Asked, busy: ControlData["busy"], requestId: string): Problem {
  const cameWith = lastEventIdOf({ headers: { "last-event-id": read("last-event-id") }, url: target });
  const frame = encodeControl({ framing: "ndjson" }, "busy", busy);
  const headers = { "content-type": "application/json", "cache-control": "no-store", "x-request-id": requestId };
  return { status: 200, headers, body: encodePoll([frame], cameWith).toString() };
}
