import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { corsHeaders } from "#shared/http/cors.ts";
import { problemOf } from "#shared/http/problem.ts";
import { requestIdOf } from "#shared/http/request-id.ts";
import { type BusyReason, busyTexts } from "#shared/protocol/busy-reasons.ts";
import type { ControlData } from "#shared/protocol/control-frames.ts";
import type { Admission } from "../admission/admission.ts";
import { refusalFor } from "../admission/refusal.ts";
import type { Observer } from "../observe/observer.ts";
import type { OverloadGuard } from "../overload/overload-guard.ts";
import { encodeControl } from "../frames/encode-frame.ts";
import { formatControl } from "../frames/sse-framing.ts";
import type { RetryDelays, Shortage } from "../sse/retry-delay.ts";
import type { Transports } from "../transports/transports.ts";
import type { TrustedProxies } from "#shared/http/client-address.ts";
import { callerAddressOfSocket } from "./caller-address.ts";
import { type HandshakeTaker, takeSocket } from "./handshake-socket.ts";
import { single } from "#shared/http/single-header.ts";
import { encodePoll } from "./roads/encode-poll.ts";
import { lastEventIdOf } from "./roads/poll-road.ts";
import {
  HANDSHAKE_PATHS,
  type HandshakePath,
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

/** What an answer depends on, beside the reason. */
interface Asker {
  readonly origin: string | undefined;
  readonly requestId: string | undefined;
  /** It says by `X-Sluice-Client` that it understands a status. */
  readonly isDeclared: boolean;
  /** The id that a poll goes on behind, "" for none; undefined for a stream. */
  readonly polledBehind: string | undefined;
}

/** The status lines that an asker can get. */
const STATUS_LINES: Readonly<Record<number, string>> = {
  200: "HTTP/1.1 200 OK",
  429: "HTTP/1.1 429 Too Many Requests",
  503: "HTTP/1.1 503 Service Unavailable",
};

/** The beginning of each request for a stream, or a poll. */
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
  const { origin, "x-sluice-client": declared, "x-request-id": requestId } = request.headers;
  const asker = {
    origin,
    requestId: single(requestId),
    isDeclared: declared !== undefined,
    polledBehind: isPollTarget(request.url) ? lastEventIdOf(request) : undefined,
  };
  answer(deps, takeSocket(request), reason, asker);
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
        return answer(deps, socket, reason, askerIn(head, target));
      }
      socket.pause().setTimeout(0).off("timeout", drop).off("error", ignore);
      socket.unshift(bytes);
      goOn();
    });
    // A client that closes its side without a word, which a server that keeps half-open connections sees as an end.
    socket.once("end", () => void (socket.bytesRead === 0 && socket.destroy()));
  };
}

function isPollTarget(target = ""): boolean {
  return target.split("?", 1)[0] === POLL_PATH;
}

/** What a client does to its own connection is no failure of ours. */
function ignore(): void {}

function answer({ edge, allowedOrigins }: TurnAwayDeps, socket: Socket, reason: BusyReason, asker: Asker): void {
  edge.observer.turnedAway(reason);
  const retryMs = edge.retryDelays.forRefused("", SHORTAGES[reason] ?? "none");
  const own = { [TRANSPORTS_HEADER]: edge.transports.all.join(", "), ...corsHeaders(asker.origin, allowedOrigins) };
  socket.write(refusalText(reason, retryMs, asker, own));
  // The kernel takes so little in one piece, and sends it although the socket is gone. To shut our side first is one call of it more.
  if (socket.writableLength === 0) socket.destroy();
  else socket.end(() => void socket.destroy());
}

function refusalText(
  reason: BusyReason,
  retryMs: number,
  asker: Asker,
  more: Readonly<Record<string, string>>,
): string {
  const requestId = requestIdOf(asker.requestId);
  const { status, headers, body } = asker.isDeclared
    ? problemOf(refusalFor(reason, Math.ceil(retryMs / 1_000)), requestId)
    : busyOf({ reason, detail: busyTexts[reason], retryMs }, requestId, asker.polledBehind);
  let text = `${STATUS_LINES[status]}\r\n`;
  for (const [name, value] of Object.entries({ ...headers, ...more })) text += `${name}: ${value}\r\n`;
  return `${text}vary: ${VARY}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`;
}

function busyOf(busy: ControlData["busy"], requestId: string, polledBehind: string | undefined) {
  const isPoll = polledBehind !== undefined;
  const headers = {
    "content-type": isPoll ? "application/json" : "text/event-stream; charset=utf-8",
    "cache-control": "no-store, no-transform",
    "x-request-id": requestId,
  };
  const body = isPoll
    ? encodePoll([encodeControl({ framing: "ndjson" }, "busy", busy)], polledBehind).toString()
    : formatControl("busy", busy);
  return { status: 200, headers, body };
}

/** Headers are looked for in the text: a parser costs more than the answer. */
function askerIn(head: string, target: string): Asker {
  const lastEventId = /\r\nlast-event-id:[ \t]*([^\r]*)/i.exec(head)?.[1];
  const headers = { "last-event-id": lastEventId };
  return {
    polledBehind: isPollTarget(target) ? lastEventIdOf({ headers, url: target }) : undefined,
    origin: /\r\norigin:[ \t]*([^\r]*)/i.exec(head)?.[1],
    requestId: /\r\nx-request-id:[ \t]*([^\r]*)/i.exec(head)?.[1],
    isDeclared: /\r\nx-sluice-client:/i.test(head),
  };
}
