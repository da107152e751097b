import { type BusyReason, busyTexts } from "../../shared/protocol/busy-reasons.ts";
import type { ControlData, ControlEvent } from "../../shared/protocol/control-frames.ts";
import { parseEventId } from "../../shared/protocol/event-id.ts";
import { type ErrorCode, httpStatusOf, titleOf } from "../../shared/protocol/problem-codes.ts";
import { eventTypeOf, topicMatches } from "../../shared/protocol/topics.ts";
import type { NewEvent, Published, TopicChange } from "../calls/stream-calls.ts";
import { type AskedRequest, readRequest } from "./asked-request.ts";
import { FakeStream } from "./fake-stream.ts";
import { type StoredEvent, writeControl, writeEvent } from "./sse-frames.ts";

const TENANT = "demo";

/** The shortest pause that an edge asks for. */
const RETRY_MS = 1_000;

const FRAMES = { "content-type": "text/event-stream; charset=utf-8", "x-sluice-transports": "sse" };

/** Who waits until so many streams are open. */
interface Waiting {
  readonly count: number;
  readonly resolve: () => void;
}

/** An edge that keeps its events in memory, and writes what the test says. */
export class MemoryEdge {
  readonly requests: AskedRequest[] = [];
  readonly published: NewEvent[] = [];
  readonly acknowledged: string[] = [];
  readonly #subject: string;
  readonly #events: StoredEvent[] = [];
  readonly #open = new Set<FakeStream>();
  readonly #refusals = new Map<string, ErrorCode>();
  #epoch = 1;
  #connections = 0;
  #busy: BusyReason | undefined;
  #waiting: Waiting[] = [];

  constructor(subject: string) {
    this.#subject = subject;
  }

  get streams(): readonly (readonly string[])[] {
    return Array.from(this.#open, ({ topics }) => [...topics]);
  }

  readonly fetch = async (target: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = await readRequest(target, init);
    this.requests.push(request);
    const code = this.#refusals.get(request.path);
    this.#refusals.delete(request.path);
    return code === undefined ? this.#answer(request, init?.signal ?? undefined) : problem(code);
  };

  opened(count = 1): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ count, resolve });
      this.#wake();
    });
  }

  emit(topic: string, data: unknown): string {
    const id = this.#idAt(this.#events.length + 1);
    const event = { id, tenant: TENANT, topic, type: eventTypeOf(topic), data, storedAt: Date.now() };
    this.#events.push(event);
    for (const stream of this.#open) if (isFor(event, stream)) stream.write(writeEvent(event));
    return id;
  }

  gap(reason = "retention"): void {
    const to = this.#end;
    this.#writeAll("gap", { from: this.#idAt(0), to, reason }, { id: to });
  }

  reset(reason = "epoch"): void {
    this.#epoch += 1;
    this.#writeAll("reset", { reason }, { id: this.#end });
  }

  degraded(reason: ControlData["degraded"]["reason"] = "log"): void {
    this.#writeAll("degraded", { reason });
  }

  recovered(reason: ControlData["recovered"]["reason"] = "log"): void {
    this.#writeAll("recovered", { reason });
  }

  end(reason: string): void {
    this.#writeAll("auth_error", { reason });
    this.#closeAll((stream) => stream.end());
  }

  bye(reason = "drain"): void {
    this.#writeAll("bye", { reason, retryMs: RETRY_MS });
    this.#closeAll((stream) => stream.end());
  }

  cut(): void {
    this.#closeAll((stream) => stream.cut());
  }

  busy(reason: BusyReason = "full"): void {
    this.#busy = reason;
  }

  refuse(path: string, code: ErrorCode): void {
    this.#refusals.set(path, code);
  }

  get #end(): string {
    return this.#idAt(this.#events.length);
  }

  #idAt(seq: number): string {
    return `fake-edge-${this.#epoch}.${seq}.0`;
  }

  #writeAll<Name extends ControlEvent>(
    name: Name,
    data: ControlData[Name],
    fields: { readonly id?: string } = {},
  ): void {
    for (const stream of this.#open) stream.write(writeControl(name, data, fields));
  }

  #closeAll(close: (stream: FakeStream) => void): void {
    for (const stream of this.#open) close(stream);
    this.#open.clear();
  }

  #wake(): void {
    const [done, waiting] = [
      this.#waiting.filter(({ count }) => this.#open.size >= count),
      this.#waiting.filter(({ count }) => this.#open.size < count),
    ];
    this.#waiting = waiting;
    for (const { resolve } of done) resolve();
  }

  #answer(request: AskedRequest, signal: AbortSignal | undefined): Response {
    const { method, path, body } = request;
    const [, connectionId, call] = /^\/v1\/streams\/([^/]+)\/(topics|token)$/.exec(path) ?? [];
    const [, deliveries] = /^\/v1\/subscriptions\/[^/]+\/(acks|nacks)$/.exec(path) ?? [];
    if (path === "/v1/stream") return this.#stream(request, signal);
    if (call === "topics")
      return this.#changeTopics(
        connectionId,
        body as { readonly add: readonly string[]; readonly remove: readonly string[] },
      );
    if (call === "token")
      return this.#find(connectionId) ? Response.json({ expiresAt: EXPIRES_AT }) : problem("not_found");
    if (path === "/v1/events") return Response.json(this.#publish(body as NewEvent | NewEvent[]));
    if (deliveries !== undefined) return this.#handled(deliveries, body as { ids?: string[]; upTo?: string });
    if (path === "/v1/presence") {
      return Response.json({ topic: request.parameters.get("topic"), people: [], partial: false });
    }
    if (path === "/v1/capabilities") return Response.json({ transports: ["sse"], heartbeatMs: 15_000 });
    if (path === "/v1/reports" && method === "POST") return new Response(null, { status: 204 });
    return problem("not_found");
  }

  #stream({ parameters, headers }: AskedRequest, signal: AbortSignal | undefined): Response {
    const stream = new FakeStream(`fake-${(this.#connections += 1)}`, parameters.getAll("topic"), signal, () => {
      this.#open.delete(stream);
    });
    const reason = this.#busy;
    this.#busy = undefined;
    if (reason !== undefined) {
      stream.write(writeControl("busy", { reason, detail: busyTexts[reason], retryMs: RETRY_MS }));
      stream.end();
      return new Response(stream.body, { headers: FRAMES });
    }
    const lastId = headers.get("last-event-id") ?? parameters.get("lastEventId") ?? undefined;
    const begin = lastId === undefined && parameters.get("from") === "earliest" ? this.#idAt(0) : lastId;
    this.#begin(stream, begin ?? this.#end);
    this.#open.add(stream);
    this.#wake();
    return new Response(stream.body, { headers: { ...FRAMES, "x-connection-id": stream.connectionId } });
  }

  #begin(stream: FakeStream, place: string): void {
    const known = parseEventId(place);
    const isOurs = known?.epoch === parseEventId(this.#end)?.epoch;
    const missed = isOurs ? this.#events.slice(known?.position.seq).filter((event) => isFor(event, stream)) : [];
    const ready = {
      connectionId: stream.connectionId,
      tenant: TENANT,
      subject: this.#subject,
      topics: grantsOf(stream),
      expiresAt: EXPIRES_AT,
    };
    stream.write(writeControl("ready", ready, { retryMs: RETRY_MS, id: isOurs ? place : undefined }));
    if (!isOurs) stream.write(writeControl("reset", { reason: "unknown_id" }, { id: this.#end }));
    for (const event of missed) stream.write(writeEvent(event));
  }

  #find(connectionId: string | undefined): FakeStream | undefined {
    return [...this.#open].find((stream) => stream.connectionId === connectionId);
  }

  #changeTopics(
    connectionId: string | undefined,
    { add, remove }: { readonly add: readonly string[]; readonly remove: readonly string[] },
  ): Response {
    const stream = this.#find(connectionId);
    if (stream === undefined) return problem("not_found");
    for (const topic of add) stream.topics.add(topic);
    for (const topic of remove) stream.topics.delete(topic);
    const change: TopicChange = { topics: grantsOf(stream), effectiveFrom: this.#end };
    stream.write(writeControl("subscription", change));
    return Response.json(change);
  }

  #publish(body: NewEvent | NewEvent[]): Published {
    const events = [body].flat();
    this.published.push(...events);
    for (const { type, key = [], data } of events) this.emit([type, ...[key].flat()].join("."), data);
    return {
      ids: events.map(({ id }, place) => id ?? `published-${this.published.length - events.length + place + 1}`),
      duplicates: [],
    };
  }

  #handled(call: string, { ids = [], upTo }: { ids?: string[]; upTo?: string }): Response {
    if (call === "acks") this.acknowledged.push(...ids, ...(upTo === undefined ? [] : [upTo]));
    return new Response(null, { status: 204 });
  }
}

const EXPIRES_AT = "2999-01-01T00:00:00.000Z";

function isFor({ topic }: StoredEvent, { topics }: FakeStream): boolean {
  return [...topics].some((pattern) => topicMatches(pattern, topic));
}

function grantsOf({ topics }: FakeStream): { readonly topic: string; readonly granted: true }[] {
  return Array.from(topics, (topic) => ({ topic, granted: true }) as const);
}

function problem(code: ErrorCode): Response {
  const status = httpStatusOf[code];
  const headers = {
    "content-type": "application/problem+json",
    ...([429, 503].includes(status) && { "retry-after": "1" }),
  };
  return Response.json({ title: titleOf[code], status, detail: titleOf[code], code }, { status, headers });
}
