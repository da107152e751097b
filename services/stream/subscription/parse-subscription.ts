import { z } from "zod";
import { isTopicPattern } from "#shared/protocol/topics.ts";
import type { Transport } from "#shared/protocol/transports.ts";
import { NAME } from "#shared/protocol/names.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { From } from "../log/resume.ts";
import type { EventFormat } from "../frames/encode-frame.ts";
import { parsePresence, type PresenceChoice } from "./parse-presence.ts";
import {
  MAX_PAD_BYTES,
  MAX_PATH_CHARACTERS,
  MAX_TOPICS,
  MAX_WAIT_SECONDS,
  POLL_PARAMETERS,
  STREAM_PARAMETERS,
} from "./stream-parameters.ts";

/** A client's parameters, checked. No text of it is a part of the URL, which it would keep in memory. */
export interface Subscription {
  /** Up to 100 topic patterns, sorted, without repeats. */
  readonly topics: readonly string[];
  /** Paths, as the client sent them, that the tenant's routes map to topics. There is at least one of them or of `topics`. */
  readonly resources: readonly string[];
  readonly format: EventFormat;
  readonly from: From;
  /** As the client sent it, unchecked. */
  readonly lastEventId: string | undefined;
  /** The stable id of a tab or device, under which its topics are kept; undefined where it has none. */
  readonly client: string | undefined;
  readonly presence: PresenceChoice;
  /** The durable subscription that the stream is to deliver: its topics and its place in the log are the record's. */
  readonly durable: DurableWish | undefined;
  readonly answer: AnswerWish;
}

/** How the client wants to be answered, whatever the stream is about. */
export interface AnswerWish {
  /** Bytes that mean nothing before the first frame: small buffers of proxies between are full then. */
  readonly padBytes: number;
  /** How long a poll that finds nothing waits for something. */
  readonly waitMs: number;
}

/** A durable subscription, as a stream asks for it. */
export interface DurableWish {
  readonly name: string;
  /** Whether the stream takes the place of another one that delivers it. */
  readonly takeover: boolean;
}

/** The parameters that may come more than once. */
const REPEATED: ReadonlySet<string> = new Set(["topic", "resource", "presence"]);

/** What a durable subscription has from its record. */
const OF_RECORD = ["topic", "resource", "from"];

/**
 * Reads the parameters of `GET /v1/stream`, or of `GET /v1/poll`.
 * @throws {AppError} `malformed_topic`, `malformed_request` or `unsupported_parameter`, naming the parameter.
 */
export function parseSubscription(
  query: URLSearchParams,
  lastEventIdHeader: string | undefined,
  transport: Transport,
): Subscription {
  const isPoll = transport === "poll";
  if (isPoll) requirePollable(query);
  const unknown = [...query.keys()].find((name) => !Object.hasOwn(isPoll ? POLL_PARAMETERS : STREAM_PARAMETERS, name));
  if (unknown !== undefined) {
    throw new AppError("unsupported_parameter", `this server does not know the parameter "${unknown.slice(0, 64)}"`);
  }
  requireOnce(query);
  const durable = parseDurable(query);
  const [topics, resources] = [query.getAll("topic"), query.getAll("resource")];
  if (durable === undefined) requireCount(topics.length + resources.length);
  return {
    topics: parseTopics(topics),
    resources: parseResources(resources),
    format: {
      body: parseChoice(query, "format"),
      naming: parseChoice(query, "events"),
    },
    from: parseFrom(query.get("from") ?? "now"),
    // Empty is none (HTML standard, section 9.2.4): some clients send the header before they have an id.
    lastEventId: lastEventIdHeader || detach(query.getAll("lastEventId"))[0] || undefined,
    client: parseClient(detach(query.getAll("client"))[0]),
    durable,
    presence: parsePresence(detach(query.getAll("presence"))),
    answer: {
      padBytes: parseNumber(query, "pad", { most: MAX_PAD_BYTES, byDefault: 0 }),
      waitMs: parseNumber(query, "wait", { most: MAX_WAIT_SECONDS, byDefault: MAX_WAIT_SECONDS }) * 1_000,
    },
  };
}

/** Of two values one would be passed over in silence. */
function requireOnce(query: URLSearchParams): void {
  const names = [...query.keys()].filter((name) => !REPEATED.has(name));
  const twice = names.find((name, place) => names.indexOf(name) < place);
  if (twice !== undefined) throw new AppError("malformed_request", `give "${twice}" once`);
}

function parseNumber(
  query: URLSearchParams,
  name: string,
  { most, byDefault }: { readonly most: number; readonly byDefault: number },
): number {
  const text = query.get(name);
  if (text === null) return byDefault;
  if (/^\d{1,4}$/.test(text) && Number(text) <= most) return Number(text);
  throw new AppError("malformed_request", `"${name}" must be a whole number from 0 to ${most}`);
}

/** What belongs to a connection that lasts cannot be had by one that ends with each answer. */
function requirePollable(query: URLSearchParams): void {
  if (query.has("subscription")) {
    throw new AppError(
      "unsupported_parameter",
      "a durable subscription is not polled: open a stream for it, or give it a callback; a poll resumes by its own id",
    );
  }
  if (query.getAll("presence").some((topic) => topic !== "none")) {
    throw new AppError("unsupported_parameter", "a poll is told nothing of presence: ask GET /v1/presence");
  }
}

function parseDurable(query: URLSearchParams): DurableWish | undefined {
  const [name = null] = detach(query.getAll("subscription"));
  const takeover = query.get("takeover");
  if (name === null && takeover === null) return undefined;
  if (name === null || !NAME.test(name)) {
    throw new AppError("malformed_request", '"subscription" must be 1 to 64 of the characters A-Z a-z 0-9 _ -');
  }
  if (takeover !== null && takeover !== "true" && takeover !== "false") {
    throw new AppError("malformed_request", '"takeover" must be true or false');
  }
  const own = OF_RECORD.find((parameter) => query.has(parameter));
  if (own !== undefined) {
    throw new AppError("malformed_request", `"${own}" belongs to the subscription: change that, and leave it out here`);
  }
  return { name, takeover: takeover === "true" };
}

function requireCount(count: number): void {
  if (count >= 1 && count <= MAX_TOPICS) return;
  const message = `give 1 to ${MAX_TOPICS} "topic" or "resource" parameters, for example topic=order.*`;
  throw new AppError("malformed_topic", message);
}

function parseClient(client: string | undefined): string | undefined {
  if (client === undefined || NAME.test(client)) return client;
  throw new AppError("malformed_request", '"client" must be 1 to 64 of the characters A-Z a-z 0-9 _ -');
}

function parseTopics(topics: readonly string[]): readonly string[] {
  requirePatterns(topics, "topic");
  return [...new Set(detach(topics))].toSorted();
}

/**
 * Refuses what is no topic pattern, by its place.
 * @throws {AppError} `malformed_topic`.
 */
export function requirePatterns(topics: readonly string[], name: string): void {
  const wrong = topics.findIndex((topic) => !isTopicPattern(topic));
  if (wrong === -1) return;
  throw new AppError(
    "malformed_topic",
    `${name} ${wrong + 1} is not a topic pattern: 2 to 8 tokens of A-Z a-z 0-9 _ - between dots, * for one token, > at the end for the rest`,
  );
}

function parseResources(paths: readonly string[]): readonly string[] {
  const wrong = paths.findIndex((path) => !path.startsWith("/") || path.length > MAX_PATH_CHARACTERS);
  if (wrong === -1) return detach(paths);
  throw new AppError("malformed_request", `resource ${wrong + 1} must be a path, for example /api/v1/orders/42`);
}

function parseChoice<Name extends "format" | "events">(
  query: URLSearchParams,
  name: Name,
): z.infer<(typeof STREAM_PARAMETERS)[Name]> {
  const schema: z.ZodEnum = STREAM_PARAMETERS[name];
  const { options } = schema;
  const choice = schema.safeParse(query.get(name) ?? options[0]);
  if (choice.success) return choice.data as z.infer<(typeof STREAM_PARAMETERS)[Name]>;
  throw new AppError("malformed_request", `"${name}" must be ${options.join(" or ")}`);
}

/** Reads where a client begins that brings no id; throws AppError `malformed_request`. */
export function parseFrom(text: string): From {
  if (text === "now" || text === "earliest") return { at: text };
  const time = z.iso.datetime({ offset: true }).safeParse(text);
  if (!time.success)
    throw new AppError("malformed_request", '"from" must be now, earliest or a time such as 2026-01-31T12:00:00Z');
  return { at: "time", wallMs: Date.parse(time.data) };
}

/**
 * Copies of texts. V8 makes parts of a text as views of it: a topic would keep its whole URL in memory. One by one through a Buffer
 * takes three times as long.
 */
function detach(texts: readonly string[]): string[] {
  return JSON.parse(JSON.stringify(texts)) as string[];
}
