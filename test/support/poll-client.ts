import { Agent, request } from "node:http";
import { once } from "node:events";
import { text } from "node:stream/consumers";

/** A frame as the JSON transports have it. */
export interface JsonFrame {
  readonly event?: string;
  readonly id?: string;
  readonly retry?: number;
  readonly data: string;
}

/** What one poll was answered. */
export interface PollAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The frames; none where the answer is a problem document. */
  readonly frames: readonly JsonFrame[];
  readonly next: string;
  /** The code of a problem document. */
  readonly code: string | undefined;
  /** The problem's detail. */
  readonly detail: string | undefined;
}

/** A client that polls over one connection that it keeps. */
export interface PollClient extends Disposable {
  /** How many connections it has made. */
  readonly connections: number;
  /** Asks once; where nothing else is said behind what the last answer said. */
  poll(query: string, options?: PollOptions): Promise<PollAnswer>;
}

/** How to ask. */
export interface PollOptions {
  /** "" for none. */
  readonly lastEventId?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Creates a client of an edge's port. */
export function createPollClient(port: number, token: string): PollClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let [next, connections] = ["", 0];
  return {
    get connections() {
      return connections;
    },
    async poll(query, { lastEventId = next, headers = {}, signal } = {}) {
      const behind = lastEventId === "" ? {} : { "last-event-id": lastEventId };
      const authorization = token === "" ? {} : { authorization: `Bearer ${token}` };
      const path = `/v1/poll?${query}`;
      const asked = request({
        port,
        host: "127.0.0.1",
        path,
        agent,
        headers: { ...authorization, ...behind, ...headers },
        ...(signal && { signal }),
      });
      asked.once("socket", () => void (asked.reusedSocket || (connections += 1)));
      asked.end();
      const [response] = await once(asked, "response");
      const body = JSON.parse(await text(response)) as Partial<PollAnswer>;
      const { frames = [], code, detail } = body;
      next = body.next ?? next;
      return { status: response.statusCode, headers: response.headers, frames, next, code, detail };
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}
