import type { ServiceCall } from "./service-calls.ts";

/** An event to publish over HTTP, beside its topic. */
interface NewEvent {
  readonly id?: string | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  readonly data: unknown;
}

/** The call that publishes an event under a topic. */
export function publishCall(topic: string, event: NewEvent, token: string): ServiceCall {
  const [resource, action, ...key] = topic.split(".");
  const named = { type: `${resource}.${action}`, ...(key.length > 0 && { key: key.join(".") }) };
  const headers = { "content-type": "application/json" };
  return { method: "POST", path: "/v1/events", token, headers, body: JSON.stringify({ ...named, ...event }) };
}
