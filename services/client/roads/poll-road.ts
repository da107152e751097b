import type { Frame } from "../../shared/protocol/frame.ts";
import type { Environment } from "../environment/environment.ts";
import { askEdge, transportsOf } from "./ask-edge.ts";
import type { FollowRoad } from "./road.ts";

/** An answer waits so long for an event, in seconds; proxies give up after 30. */
const WAIT_SECONDS = 25;

/** Whoever answers "nothing" at once, or the same as before as a cache does, is asked again after this. */
const MIN_GAP_MS = 1_000;

const QUESTION = { path: "/v1/poll", mediaType: "application/json" };

interface PollAnswer {
  readonly frames: readonly Frame[];
  readonly next?: string;
}

/** One request after the other, each answered when there is something: through whatever passes on nothing but whole answers. */
export function createPollRoad(environment: Pick<Environment, "fetch" | "now" | "after">): FollowRoad {
  return async (request, listener, signal) => {
    let next: string | undefined;
    let isOpen = false;
    // A poll is told nothing of presence, and refused where it asks: its events are worth more than nothing.
    const parameters = new URLSearchParams([...request.parameters].filter(([name]) => name !== "presence"));
    const asking = { ...request, parameters, lastEventId: () => next ?? request.lastEventId() };
    while (!signal.aborted) {
      const since = environment.now();
      // The first one finds out whether this road is open: where nothing happens, that would be taken for one that is blocked.
      const extra = { wait: String(isOpen ? WAIT_SECONDS : 0) };
      const answer = await askEdge(environment, asking, { ...QUESTION, extra }, signal);
      if (answer.kind !== "answered") return isOpen && answer.kind === "unreachable" ? { kind: "closed" } : answer;
      if (!isOpen) listener.onOpen(transportsOf(answer.response));
      isOpen = true;
      const { frames, next: position } = await readAnswer(answer.response);
      if (frames === undefined) return { kind: "unusable" };
      const isNews = frames.length > 0 && position !== next;
      next = position || next;
      listener.onBytes();
      for (const frame of frames) listener.onFrame(frame);
      // The clock may have been set back.
      const gapMs = Math.min(MIN_GAP_MS - (environment.now() - since), MIN_GAP_MS);
      if (!isNews && gapMs > 0) await new Promise<void>((resolve) => environment.after(gapMs, resolve));
    }
    return { kind: "closed" };
  };
}

async function readAnswer(response: Response): Promise<Partial<PollAnswer>> {
  try {
    return (await response.json()) as PollAnswer;
  } catch {
    return {};
  }
}
