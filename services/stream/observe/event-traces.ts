import { logStreamName } from "#shared/contract/tenant-log.ts";
import { traceOf } from "#shared/contract/event-attributes.ts";
import { formatEventId, type Position } from "#shared/protocol/event-id.ts";
import { isSampled } from "#shared/protocol/traceparent.ts";
import type { Attributes, Span, Tracer } from "#shared/trace/tracer.ts";
import type { EventEntry, LogEntry } from "../event.ts";

/** An event may have thousands of audiences: so many are told one by one. */
const MAX_AUDIENCES = 20;

/** A flush may go to thousands of streams: so many are linked. */
const MAX_LINKS = 100;

/** The log that an event stands in. */
interface TracedLog {
  readonly id: string;
  readonly log: { readonly epoch: string };
}

/** What became of an event for one audience, or one reader. */
type Outcome = "allowed" | "denied" | "undecided";

/** The way of one event through this process. */
export interface EventTrace {
  /** Begins a decision; undefined where enough are told. */
  decide(): DecisionTrace | undefined;
  /** Begins a flush to one audience; undefined where enough are told. */
  flush(): FlushTrace | undefined;
  /** All is decided. */
  end(): void;
}

/** One decision. */
export interface DecisionTrace {
  end(outcome: Outcome, facts: Attributes): void;
}

/** One flush. */
export interface FlushTrace {
  /** The event was written to a stream, whose span is given where it is recorded. */
  written(stream: string | undefined): void;
  end(): void;
}

/** Makes the spans of events whose producers record their traces. Of all others it asks one header. */
export class EventTraces {
  readonly #tracer: Tracer;
  readonly #wall: () => number;

  /** `wall`: milliseconds since 1970. */
  constructor(tracer: Tracer, wall: () => number) {
    this.#tracer = tracer;
    this.#wall = wall;
  }

  /** Begins the way of an event that the feed brings; undefined where nobody records it. */
  fed(log: TracedLog, entry: EventEntry): EventTrace | undefined {
    const span = this.#begin(log, entry);
    return span?.isRecorded === true ? traceEvent(this.#tracer, span) : undefined;
  }

  /** Notes which of these entries were written to a reader that was behind; its stream's span is given where it is recorded. */
  caughtUp(
    log: TracedLog,
    entries: readonly LogEntry[],
    delivered: readonly Position[],
    stream: string | undefined,
  ): void {
    let next = 0;
    for (const entry of entries) {
      if (entry.position.seq !== delivered[next]?.seq) continue;
      next += 1;
      const span = entry.kind === "event" ? this.#begin(log, entry) : undefined;
      span?.set({ "sluice.reader": "behind", "sluice.streams": 1 });
      if (stream !== undefined) span?.link(stream);
      span?.end();
    }
  }

  #begin(log: TracedLog, entry: EventEntry): Span | undefined {
    const parent = traceOf(entry.attributes);
    // Most events bring no trace, or one that is not recorded: this is all that they cost.
    if (parent === undefined || !isSampled(parent)) return undefined;
    const attributes = describe(log, entry, this.#wall());
    return this.#tracer.begin("process events", { kind: "consumer", parent, trust: "producer", attributes });
  }
}

function describe({ id: tenant, log: { epoch } }: TracedLog, entry: EventEntry, wall: number): Attributes {
  const { attributes, position, type, payload, storedAt } = entry;
  return {
    "messaging.system": "nats",
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
    "messaging.destination.name": logStreamName(tenant),
    "messaging.message.id": attributes["ce-id"] ?? attributes["nats-msg-id"],
    "messaging.message.body.size": payload.length,
    "sluice.tenant": tenant,
    "sluice.event.type": type,
    "sluice.event.id": formatEventId(epoch, position),
    // Between two clocks it may be negative.
    "sluice.event.age_ms": wall - storedAt,
  };
}

function traceEvent(tracer: Tracer, span: Span): EventTrace {
  let [decisions, flushes] = [0, 0];
  const beginWithin = (name: string): Span =>
    tracer.begin(name, { kind: "internal", parent: span.traceparent, trust: "inside" });
  return {
    decide() {
      decisions += 1;
      return decisions > MAX_AUDIENCES ? undefined : traceDecision(beginWithin("decide"));
    },
    flush() {
      flushes += 1;
      return flushes > MAX_AUDIENCES ? undefined : traceFlush(beginWithin("flush"));
    },
    end() {
      span.set({ "sluice.reader": "live", "sluice.audiences": decisions, "sluice.audiences.written": flushes });
      span.end();
    },
  };
}

function traceDecision(span: Span): DecisionTrace {
  return {
    end(outcome, facts) {
      span.set({ ...facts, "sluice.decision.outcome": outcome });
      span.end();
    },
  };
}

function traceFlush(span: Span): FlushTrace {
  let [streams, links] = [0, 0];
  return {
    written(stream) {
      streams += 1;
      if (stream === undefined || links >= MAX_LINKS) return;
      links += 1;
      span.link(stream);
    },
    end() {
      span.set({ "sluice.streams": streams });
      span.end();
    },
  };
}
