import { type IncomingMessage, request as requestHttp, type RequestOptions } from "node:http";
import { request as requestHttps } from "node:https";
import { maskValue } from "#shared/config/mask-value.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { parseJson } from "#shared/json/parse-json.ts";

const TIMEOUT_MS = 3_000;

/** Far more than any key set, metadata or introspection answer; an endpoint that sends more is not one. */
const MAX_BYTES = 256 * 1_024;

/** A question to a server of somebody else. */
export interface JsonQuestion {
  /** https, or http on this machine. */
  readonly url: string;
  /** The only authorities that may have signed the server's certificate, in PEM; without them those of Node count. */
  readonly ca?: string | undefined;
  /** Sent as a form, by POST. */
  readonly form?: Readonly<Record<string, string>>;
  /** The `Authorization` header. */
  readonly authorization?: string | undefined;
}

/**
 * Asks for a JSON document and answers what it says.
 * @throws {AppError} `unavailable`; its message says what the server did instead, in words that fit behind "cannot be fetched: ".
 * The facts name the address, without a password in it, and, where there was one, the status.
 */
export type FetchJson = (question: JsonQuestion) => Promise<unknown>;

/** Asks over HTTP within 3 s, for at most 256 KiB. A redirect is a failure: its author would choose what we believe. */
export const fetchJson: FetchJson = async (question) => {
  const url = maskValue(question.url, { secret: false });
  let response: IncomingMessage;
  let text: string;
  try {
    response = await send(question);
    text = await readText(response);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("unavailable", reasonOf(error as NodeJS.ErrnoException), { cause: error, facts: { url } });
  }
  const { statusCode = 0 } = response;
  const facts = { url, status: String(statusCode) };
  if (statusCode !== 200) throw new AppError("unavailable", reasonOfStatus(statusCode), { facts });
  const json = parseJson(text);
  if (json !== undefined) return json;
  const kind = text.trimStart().startsWith("<") ? "HTML instead of JSON" : "something that is not JSON";
  throw new AppError("unavailable", `the server answers ${kind}`, { facts });
};

function send({ url, ca, form, authorization }: JsonQuestion): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const body = form && new URLSearchParams(form).toString();
  const options: RequestOptions & { ca?: string } = {
    method: body === undefined ? "GET" : "POST",
    // A connection that was kept could be a dead one; these calls are rare.
    agent: false,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    headers: {
      accept: "application/json",
      ...(body !== undefined && { "content-type": "application/x-www-form-urlencoded" }),
      ...(authorization !== undefined && { authorization }),
    },
    ...(ca !== undefined && { ca }),
  };
  const request = new URL(url).protocol === "https:" ? requestHttps : requestHttp;
  // Of a server that goes on in another protocol (101), nothing but the end is told.
  const onClose = (): void => reject(new Error("it answers with another protocol"));
  request(url, options, resolve).once("error", reject).once("close", onClose).end(body);
  return promise;
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new AppError("unavailable", `the server answers more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function reasonOfStatus(status: number): string {
  if (status >= 300 && status < 400)
    return `the server answers with a redirect (${status}), which is not followed: name the address it leads to`;
  if (status === 401 || status === 403)
    return `the server answers ${status}: it does not accept the credentials, or wants some`;
  return `the server answers ${status}`;
}

const UNKNOWN_AUTHORITY = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "CERT_UNTRUSTED",
]);

const REASONS: Readonly<Record<string, string>> = {
  ABORT_ERR: `the server does not answer within ${TIMEOUT_MS / 1_000} s`,
  ECONNREFUSED: "the connection is refused",
  ECONNRESET: "the server breaks the connection off",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name cannot be looked up right now",
  CERT_HAS_EXPIRED: "TLS: the server's certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "TLS: the server's certificate is for another name",
  EPROTO: "the server does not speak TLS there",
};

function reasonOf({ code = "", message }: NodeJS.ErrnoException): string {
  if (UNKNOWN_AUTHORITY.has(code)) {
    return "TLS: unknown authority: name the file of the server's CA in ca_file, or in NODE_EXTRA_CA_CERTS for auth";
  }
  if (code.startsWith("ERR_SSL")) return "the server does not speak TLS there";
  return REASONS[code] ?? `the server cannot be reached (${code === "" ? message : code})`;
}
