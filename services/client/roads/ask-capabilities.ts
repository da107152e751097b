import type { Environment } from "../environment/environment.ts";
import { askEdge, transportsOf } from "./ask-edge.ts";
import type { Refusal, RoadRequest } from "./road.ts";

/** What an edge says of itself. */
export interface Capabilities {
  readonly kind: "capable";
  /** The roads that are on for this caller; undefined where it does not say. */
  readonly transports: readonly string[] | undefined;
  /** Something comes on an open stream at least as often. */
  readonly heartbeatMs: number | undefined;
}

/** Why the edge's answer is not there. */
export type Unreadable =
  /** Nothing answers. */
  | { readonly kind: "unreachable" }
  /** Something answers, and the browser does not let this page read it. */
  | { readonly kind: "cors_blocked" };

/** An edge answers this at once, or not at all. */
const DEADLINE_MS = 5_000;

/**
 * Finds out why a road did not open, by a request that needs no stream: a socket's refusal and a blocked origin look to a page
 * like an edge that is not there.
 */
export async function askCapabilities(
  environment: Pick<Environment, "fetch">,
  request: RoadRequest,
): Promise<Capabilities | Unreadable | Refusal> {
  const question = { path: "/v1/capabilities", mediaType: "application/json" };
  // Roads may be on for a share of clients.
  const client = [...request.parameters].filter(([name]) => name === "client");
  const asked = { ...request, parameters: new URLSearchParams(client), lastEventId: () => undefined };
  const answer = await askEdge(environment, asked, question, AbortSignal.timeout(DEADLINE_MS));
  if (answer.kind === "refused") return answer;
  if (answer.kind === "answered") {
    const said = (await answer.response.json().catch(() => ({}))) as Partial<Capabilities>;
    return {
      kind: "capable",
      transports: said.transports ?? transportsOf(answer.response),
      heartbeatMs: said.heartbeatMs,
    };
  }
  // Without CORS the answer cannot be read, but it can be waited for.
  const isThere = await environment
    .fetch(`${request.url}/v1/capabilities`, { mode: "no-cors", signal: AbortSignal.timeout(DEADLINE_MS) })
    .then(
      ({ type }) => type === "opaque",
      () => false,
    );
  return { kind: isThere ? "cors_blocked" : "unreachable" };
}
