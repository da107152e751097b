import type { IncomingMessage } from "node:http";
import { AppError } from "#shared/errors/app-error.ts";

/** A request with more is refused. */
const MAX_HEADERS = 100;

/**
 * The URL that a request asks for. A request that a proxy in front could read in another way is refused: two hosts, a
 * path that changes when its dots are resolved, or what does not decode to text.
 * @throws {AppError} `too_many_headers`, `malformed_request`.
 */
export function readTarget(request: Pick<IncomingMessage, "url" | "rawHeaders" | "headersDistinct">): URL {
  if (request.rawHeaders.length > 2 * MAX_HEADERS) {
    throw new AppError("too_many_headers", `a request may have ${MAX_HEADERS} headers`);
  }
  const [host, ...others] = request.headersDistinct["host"] ?? [];
  if (others.length > 0) throw new AppError("malformed_request", "the request has more than one Host");
  return parseTarget(request.url ?? "", host);
}

function parseTarget(target: string, host: string | undefined): URL {
  // RFC 9112, section 3.2: a path, or a whole URL as it is sent to proxies.
  const base = target.startsWith("/") ? "http://edge" : "";
  const path = target.startsWith("/") ? target : /^http:\/\/[^/?#@]+(.*)$/i.exec(target)?.[1];
  const url = path !== undefined && URL.canParse(base + target) ? new URL(base + target) : undefined;
  if (url === undefined || url.pathname !== (path?.split("?", 1)[0] || "/") || hasNeedlessEncoding(url.pathname)) {
    throw new AppError("malformed_request", "the request's target is malformed");
  }
  // Routers leave what they cannot decode as it stands: `Zo%EB` would be the name of somebody else than `Zo%C3%AB`.
  if (!isDecodable(url.pathname + url.search)) {
    throw new AppError("malformed_request", "the request's target is not percent-encoded UTF-8");
  }
  if (base === "" && host !== undefined && url.host !== hostOf(host)) {
    throw new AppError("malformed_request", "the request's target and its Host differ");
  }
  return url;
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** An encoded letter, digit, hyphen, dot or underscore: RFC 3986, section 6.2.2.2. */
const NEEDLESS = /%(?:2[de]|3\d|[46][1-9a-f]|[57][\da]|5f)/i;

/** Whether the path encodes a character without need: some compare it decoded. */
function hasNeedlessEncoding(path: string): boolean {
  return NEEDLESS.test(path);
}

/** As a URL has it: in lower case, and without the default port. */
function hostOf(host: string): string {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).host : host;
}
