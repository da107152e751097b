import { type EventStream, openEventStream } from "./event-stream.ts";

/** Calls about durable subscriptions of one person, at any edge. */
export interface Subscriber {
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Attaches; `more` are further parameters. */
  attach(name: string, more?: string): Promise<EventStream>;
  /** Acknowledges, and answers the status. */
  ack(name: string, ids: readonly (string | undefined)[]): Promise<number>;
}

/** What an edge answered. */
export interface Answer {
  readonly status: number;
  readonly etag: string | null;
  readonly body: Record<string, unknown>;
}

/** A person with a token at the edge of that URL. */
export function subscriberAt(url: string, token: string): Subscriber {
  const call: Subscriber["call"] = async (method, path, body, headers = {}) => {
    const response = await fetch(`${url}/v1/subscriptions${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const parsed = (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>;
    return { status: response.status, etag: response.headers.get("etag"), body: parsed };
  };
  return {
    call,
    attach: (name, more = "") => openEventStream(`${url}/v1/stream?subscription=${name}${more}`, { token }),
    ack: async (name, ids) => (await call("POST", `/${name}/acks`, { ids })).status,
  };
}

/** The ids of the events that a stream has received, in the order they came. */
export function idsOf({ frames }: EventStream): string[] {
  return frames.filter(({ event }) => event === "message").map(({ id }) => id ?? "");
}
