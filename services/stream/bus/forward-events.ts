import {
  headers as createHeaders,
  InvalidArgumentError,
  type Msg,
  type NatsConnection,
  RequestError,
} from "@nats-io/transport-node";
import { ADDRESS_HEADER, ANSWER_STATUS_HEADER, FORWARD_SUBJECT } from "#shared/contract/forwarded-events.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { ForwardedAnswer, ForwardEvents } from "../http/forward-events-route.ts";

/** As long as the bus lets a publisher answer. */
const TIMEOUT_MS = 10_000;

/** The headers of the publisher's answer that the client gets. */
const ANSWERED = ["content-type", "retry-after", "www-authenticate", "cache-control", "x-content-type-options"];

/** Forwards requests to publish by NATS request; publishers share them. */
export function createForwardEvents(nats: NatsConnection): ForwardEvents {
  return async ({ token, headers, address, body }) => {
    const given = createHeaders();
    const all = { ...headers, ...(address !== undefined && { [ADDRESS_HEADER]: address }) };
    for (const [name, value] of Object.entries({ ...all, authorization: `Bearer ${token}` })) given.set(name, value);
    const answer = await nats
      .request(FORWARD_SUBJECT, body, { headers: given, timeout: TIMEOUT_MS })
      .catch((cause: unknown) => {
        if (cause instanceof RequestError && cause.isNoResponders()) {
          throw new AppError("unavailable", "no publisher is there, nothing was stored; try again", { cause });
        }
        // Only what was sent can be an invalid argument: its length.
        if (cause instanceof InvalidArgumentError) throw tooLong(nats, cause);
        throw new AppError("unavailable", "the publisher does not answer; send the events again, with the same ids", {
          cause,
        });
      });
    return readAnswer(answer);
  };
}

/** It would never get through, however often it is sent; the publisher's own port takes more. */
function tooLong({ info }: NatsConnection, cause: Error): AppError {
  const bytes = info?.max_payload ?? 0;
  return new AppError("limit_exceeded", `events, token and attributes may take ${bytes} bytes together`, { cause });
}

function readAnswer(message: Msg): ForwardedAnswer {
  const { headers } = message;
  const status = Number(headers?.get(ANSWER_STATUS_HEADER));
  if (!(status >= 200 && status < 600)) throw new AppError("unavailable", "the publisher answers strangely");
  const kept = ANSWERED.filter((name) => headers?.has(name) === true).map((name) => [name, headers?.get(name) ?? ""]);
  return { status, headers: Object.fromEntries(kept) as Record<string, string>, body: message.string() };
}
