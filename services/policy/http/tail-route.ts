import type { Context, Hono } from "hono";
import { poll } from "#shared/async/poll.ts";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { type EventId, parseEventId } from "#shared/protocol/event-id.ts";
import type { FindRights } from "#shared/tokens/session-rights.ts";
import { isTopicPattern } from "#shared/protocol/topics.ts";
import type { EventTails } from "../tail-events.ts";
import type { TailFrame } from "#shared/contract/tail-frame.ts";
import { TailPerson } from "../tail/tail-person.ts";
import type { TailFilter, TailViewer } from "../tail/viewer.ts";
import { authorizeAdmin, type AuthorizeDeps } from "./authorize.ts";
import { requireFreeName, tenantParameter } from "./parameters.ts";

/** What a viewer may leave unread: 200 events with the longest topics. One that leaves more is ended. */
const MAX_UNREAD_BYTES = 2 * 1024 * 1024;

/** As many topics as a stream may have. */
const MAX_PATTERNS = 100;

const BEAT_EVERY_MS = 10_000;
const CHECK_RIGHT_EVERY_MS = 30_000;
const RETRY_MS = 2_000;

/** What a person may see is asked for anew so often, while their events are looked for. */
const REFRESH_PERSON_EVERY_MS = 2_000;

/** What the tail takes: the tails, and who knows what people hold. */
export interface TailRouteDeps {
  readonly tails: EventTails;
  readonly find: FindRights;
}

/** How often the tail looks after itself, where it is not as often as always. */
export interface TailTimes {
  readonly checkRightEveryMs?: number;
}

/** Adds the stream of what is stored in a tenant's log, and whom it reached. It ends with its viewer's right. */
export function addTailRoute(
  api: Hono,
  authorizeDeps: AuthorizeDeps,
  deps: TailRouteDeps,
  times: TailTimes = {},
): void {
  const { tails } = deps;
  api.get("/v1/tenants/:tenant/tail", async (c) => {
    const tenant = tenantParameter(c);
    const authorize = (): Promise<string> => authorizeAdmin(authorizeDeps, c, tenant);
    await authorize();
    const start = { tenant, after: readLastEventId(c), isRecent: readFrom(c) === "recent" };
    const patterns = { topics: patternParameters(c, "topic"), type: patternParameters(c, "type")[0] };
    const subject = subjectFilter(c);
    const person = subject === undefined ? undefined : new TailPerson({ ...authorizeDeps, ...deps }, tenant, subject);
    await person?.refresh();
    const stream = new TailStream({ ...patterns, sees: person && ((event) => person.sees(event)) });
    stream.own(await tails.open(start, stream));
    stream.own(poll(BEAT_EVERY_MS, async () => stream.beat()));
    stream.own(
      poll(times.checkRightEveryMs ?? CHECK_RIGHT_EVERY_MS, () =>
        authorize().then(
          () => undefined,
          (error: unknown) => stream.refuse(toAppError(error)),
        ),
      ),
    );
    if (person !== undefined) {
      const refresh = (): Promise<void> => person.refresh().catch((error: unknown) => stream.refuse(toAppError(error)));
      stream.own(poll(REFRESH_PERSON_EVERY_MS, refresh));
    }
    return c.body(stream.body, 200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
    });
  });
}

/** A viewer at the other end of a response. */
class TailStream implements TailViewer {
  readonly filter: TailFilter;
  readonly body: ReadableStream<Uint8Array>;
  readonly #owned = new DisposableStack();
  readonly #encoder = new TextEncoder();
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #isOpen = true;

  constructor(filter: TailFilter) {
    this.filter = filter;
    const start = (controller: ReadableStreamDefaultController<Uint8Array>): void =>
      void (this.#controller = controller);
    const unread = new ByteLengthQueuingStrategy({ highWaterMark: MAX_UNREAD_BYTES });
    this.body = new ReadableStream({ start, cancel: () => this.#leave() }, unread);
    this.#write(`retry: ${RETRY_MS}\n\n`);
  }

  /** Disposes of it when the viewer has left. */
  own(resource: Disposable): void {
    if (this.#isOpen) this.#owned.use(resource);
    else resource[Symbol.dispose]();
  }

  show({ event, data }: TailFrame): void {
    const id = event === "event" ? `id: ${data.id}\n` : event === "ready" ? `id: ${data.from}\n` : "";
    this.#write(`event: ${event}\n${id}data: ${JSON.stringify(data)}\n\n`);
  }

  beat(): void {
    this.#write(":\n\n");
  }

  end(reason: string): void {
    this.#finish("bye", { reason });
  }

  /** Ends the viewer, whose right has ended or cannot be checked. */
  refuse({ code }: AppError): void {
    if (code === "unavailable") this.#finish("busy", { reason: code });
    else this.#finish("auth_error", { reason: code });
  }

  #write(text: string): void {
    if (!this.#isOpen) return;
    this.#controller.enqueue(this.#encoder.encode(text));
    if ((this.#controller.desiredSize ?? 0) > 0) return;
    this.#controller.error(new AppError("unavailable", "the viewer does not read"));
    this.#leave();
  }

  #finish(event: string, data: object): void {
    this.#write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    if (this.#isOpen) this.#controller.close();
    this.#leave();
  }

  #leave(): void {
    this.#isOpen = false;
    this.#owned.dispose();
  }
}

/** The person whose events are looked for; undefined where it is everybody. */
function subjectFilter(c: Context): string | undefined {
  const subject = c.req.query("subject") ?? "";
  if (subject === "") return undefined;
  requireFreeName(subject);
  return subject;
}

function readLastEventId(c: Context): EventId | undefined {
  const text = c.req.header("last-event-id") ?? "";
  if (text === "") return undefined;
  const id = parseEventId(text);
  if (id === undefined) throw new AppError("malformed_request", "Last-Event-ID must be the id of an event");
  return id;
}

function readFrom(c: Context): "now" | "recent" {
  const from = c.req.query("from") ?? "now";
  if (from === "now" || from === "recent") return from;
  throw new AppError("malformed_request", "from must be now or recent");
}

function patternParameters(c: Context, name: "topic" | "type"): readonly string[] {
  const patterns = c.req.queries(name)?.filter((pattern) => pattern !== "") ?? [];
  if (patterns.length > MAX_PATTERNS) throw new AppError("malformed_topic", `${MAX_PATTERNS} patterns are the most`);
  if (patterns.every(isTopicPattern)) return patterns;
  throw new AppError("malformed_topic", `"${name}" must be a topic pattern such as order.*.42`);
}
