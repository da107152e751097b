import { logStreamName } from "#shared/contract/tenant-log.ts";
import { toAppError } from "#shared/errors/app-error.ts";
import { httpStatusOf } from "#shared/protocol/problem-codes.ts";
import { traceparentOf } from "#shared/protocol/traceparent.ts";
import type { Span, Tracer } from "#shared/trace/tracer.ts";
import type { PublishedEvent } from "./events/published-event.ts";

/** Begins the span of a request whose caller is known: a producer, who may say that its trace is recorded. */
export function beginRequest(
  tracer: Tracer,
  parent: string | undefined,
  { tenant, startedAt }: { readonly tenant: string; readonly startedAt: number },
): Span {
  return tracer.begin("POST /v1/events", {
    kind: "server",
    parent,
    trust: "producer",
    startedAt,
    attributes: { "http.request.method": "POST", "http.route": "/v1/events", "sluice.tenant": tenant },
  });
}

/**
 * Answers a request within its span.
 * @throws what `answer` throws; the span has failed then, if that is a fault of ours.
 */
export async function answerWithin<Result>(span: Span, answer: () => Promise<Result>): Promise<Result> {
  try {
    const result = await answer();
    span.set({ "http.response.status_code": 200 });
    span.end();
    return result;
  } catch (error) {
    const { code } = toAppError(error);
    span.set({ "http.response.status_code": httpStatusOf[code], "sluice.error.code": code });
    span.end(httpStatusOf[code] >= 500 ? code : undefined);
    throw error;
  }
}

/** Begins the span of storing events, which is linked to the traces that they bring. */
export function beginSend(
  tracer: Tracer,
  tenant: string,
  events: readonly PublishedEvent[],
  parent: string | undefined,
): Span {
  const [first] = events;
  return tracer.begin("send events", {
    kind: "producer",
    parent,
    trust: "inside",
    links: [...new Set(events.flatMap(({ attributes }) => traceparentOf(attributes["traceparent"]) ?? []))],
    attributes: {
      "messaging.system": "nats",
      "messaging.operation.name": "send",
      "messaging.operation.type": "send",
      "messaging.destination.name": logStreamName(tenant),
      ...(events.length === 1
        ? { "messaging.message.id": first?.id, "sluice.event.type": first?.type }
        : { "messaging.batch.message_count": events.length }),
    },
  });
}
