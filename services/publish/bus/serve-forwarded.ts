import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { FORWARD_SUBJECT, ADDRESS_HEADER, ANSWER_STATUS_HEADER } from "#shared/contract/forwarded-events.ts";
import { type AppError, toAppError } from "#shared/errors/app-error.ts";
import { problemOf } from "#shared/http/problem.ts";
import { requestIdOf } from "#shared/http/request-id.ts";
import { traceparentOf } from "#shared/protocol/traceparent.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import { logRefusal } from "#shared/log/request-log.ts";
import { whileOpen } from "#shared/nats/while-open.ts";
import { headers as createHeaders } from "@nats-io/transport-node";
import type { PublishMetrics } from "../metrics.ts";
import type { PublishEvents } from "../publish-events.ts";

/** Publishers share what is forwarded. */
const QUEUE = "publish";

/** What serving forwarded requests takes. */
export interface ServeForwardedDeps {
  readonly nats: Pick<NatsConnection, "subscribe">;
  readonly publish: PublishEvents;
  readonly metrics: Pick<PublishMetrics, "requests">;
  readonly log: LimitedLog;
}

/**
 * Answers the requests to publish that edges forward, until disposed. They carry the caller's own token, which is verified here as
 * for every request: an edge can publish only as those whose tokens pass it.
 */
export function serveForwarded(deps: ServeForwardedDeps): AsyncDisposable {
  const running = new Set<Promise<void>>();
  const start = (message: Msg): void => {
    const answering = answer(deps, message).finally(() => running.delete(answering));
    running.add(answering);
  };
  const subscription = deps.nats.subscribe(FORWARD_SUBJECT, {
    queue: QUEUE,
    callback: (error, message) => void (error === null && start(message)),
  });
  return {
    async [Symbol.asyncDispose]() {
      subscription.unsubscribe();
      await Promise.all(running);
    },
  };
}

async function answer({ publish, metrics, log }: Omit<ServeForwardedDeps, "nats">, message: Msg): Promise<void> {
  const given = headersIn(message);
  const requestId = requestIdOf(given["x-request-id"]);
  let caller: { readonly tenant: string; readonly subject: string } | undefined;
  const respond = (status: number, headers: Record<string, string>, body: string): void => {
    const answered = createHeaders();
    for (const [name, value] of Object.entries({ ...headers, [ANSWER_STATUS_HEADER]: String(status) })) {
      answered.set(name, value);
    }
    whileOpen(() => message.respond(body, { headers: answered }));
  };
  try {
    const published = await publish({
      headers: given,
      query: new URLSearchParams(),
      address: given[ADDRESS_HEADER],
      bodyBytes: message.data.length,
      readBody: async () => message.data,
      context: { requestId, traceparent: traceparentOf(given["traceparent"]) },
      onIdentified: (identified) => void (caller = identified),
    });
    metrics.requests.inc({ code: "none", door: "edge" });
    respond(200, { "content-type": "application/json" }, JSON.stringify(published));
  } catch (thrown) {
    const error: AppError = toAppError(thrown);
    metrics.requests.inc({ code: error.code, door: "edge" });
    logRefusal(log, error, { requestId, ...caller, method: "POST", path: "/v1/events" });
    const { status, headers, body } = problemOf(error, requestId);
    respond(status, headers, body);
  }
}

/** Cookies are the edge's to judge: it has seen the page that sent them. */
function headersIn({ headers }: Msg): Record<string, string> {
  const names = (headers?.keys() ?? []).filter((name) => name.toLowerCase() !== "cookie");
  return Object.fromEntries(names.map((name) => [name.toLowerCase(), headers?.get(name) ?? ""]));
}
