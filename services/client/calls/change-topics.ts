import type { BackOff } from "../back-off.ts";
import type { StreamState } from "../stream-state.ts";
import type { MovableSource } from "../movable-source.ts";
import type { EdgeCalls } from "./edge-calls.ts";
import { ProblemError } from "./problem-error.ts";
import type { TopicChange } from "./stream-calls.ts";

/** A stream whose topics change. */
interface Changing {
  readonly edge: EdgeCalls;
  readonly backOff: Pick<BackOff, "hurry">;
  readonly source: MovableSource;
  /** What each of its connections asks for. */
  readonly parameters: URLSearchParams;
  /** Whether the edge keeps changes by the client's id: a connection must ask for the same topics then as before. */
  readonly isKept: boolean;
  /** Whether other tabs may have the same connection: they have not asked for the change. */
  readonly isShared: () => boolean;
}

/** Puts changes of a stream's topics in force. */
export function createTopicChanger(
  changing: Changing,
): (add: readonly string[], remove: readonly string[]) => Promise<TopicChange> {
  const { edge, source, parameters, isKept, isShared } = changing;
  /** What one connection is of since its last change. */
  let latest: { readonly connectionId: string; readonly topics: TopicChange["topics"] } | undefined;
  const change = async (
    add: readonly string[],
    remove: readonly string[],
    isSecondTry = false,
  ): Promise<TopicChange> => {
    const ready = await whenReady(source.whenReady());
    if (isShared()) return moveTo(changing, changed(parameters.getAll("topic"), add, remove));
    const { connectionId } = ready;
    let { topics } = latest?.connectionId === connectionId ? latest : ready;
    try {
      const answer = await edge.call<TopicChange>(`/v1/streams/${connectionId}/topics`, { body: { add, remove } });
      ({ topics } = answer);
      latest = { connectionId, topics };
      // The next connection is asked for by them: the edge forgets changes with the connection.
      if (!isKept) write(parameters, changed(parameters.getAll("topic"), add, remove));
      if (source.connectionId === connectionId || source.state.name === "ended") return answer;
    } catch (error) {
      if (!(error instanceof ProblemError && error.status === 404)) throw error;
    }
    // The connection is over, and the one in its place was asked for without the change.
    if (source.connectionId !== connectionId && !isSecondTry) return change(add, remove, true);
    // That of a poll always is, which has its topics in its URL.
    const present = topics.map(({ topic }) => topic);
    return moveTo(changing, changed(present, add, remove));
  };
  // One after the other: a change that is refused takes back nothing of another one.
  let last: Promise<unknown> = Promise.resolve();
  return (add, remove) => {
    const turn = last.then(() => change(add, remove));
    last = turn.catch(() => {});
    return turn;
  };
}

/** Goes over to the stream of those who ask for the same topics; goes back where the edge refuses that. */
async function moveTo({ source, parameters, backOff }: Changing, topics: readonly string[]): Promise<TopicChange> {
  const before = parameters.getAll("topic");
  write(parameters, topics);
  backOff.hurry();
  try {
    const ready = await whenReady(source.tryToMove());
    return { topics: ready.topics, effectiveFrom: source.place ?? "" };
  } catch (error) {
    write(parameters, before);
    source.move();
    throw error;
  }
}

function changed(present: readonly string[], add: readonly string[], remove: readonly string[]): string[] {
  const topics = new Set([...present, ...add]);
  for (const topic of remove) topics.delete(topic);
  return [...topics];
}

function write(parameters: URLSearchParams, topics: readonly string[]): void {
  parameters.delete("topic");
  for (const topic of topics) parameters.append("topic", topic);
}

async function whenReady<Ready>(ready: Promise<Ready>): Promise<Ready> {
  return ready.catch((end: Extract<StreamState, { readonly name: "ended" }>) => {
    throw new ProblemError(end.code ?? "not_found", end.detail ?? `the stream has ended: ${end.reason}`);
  });
}
