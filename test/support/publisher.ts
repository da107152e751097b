import type { RunningService } from "./start-service.ts";

/** An answer of the publisher. */
export interface PublishAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** Sends a body to `POST /v1/events`; what is no text or bytes goes as JSON. */
export type Publish = (
  token: string | undefined,
  body: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<PublishAnswer>;

/** How events are sent to a publisher, or to an edge that forwards them. */
export function publisherAt({ ports }: Pick<RunningService, "ports">): Publish {
  return async (token, body, headers = {}) => {
    const sent = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
    const response = await fetch(`http://127.0.0.1:${ports.http}/v1/events`, {
      method: "POST",
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        "content-type": "application/json",
        ...headers,
      },
      body: sent,
    });
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Record<string, unknown>,
    };
  };
}
