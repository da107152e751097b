import { createPollClient, type PollAnswer } from "#test/support/poll-client.ts";
import type { Readers } from "./readers.ts";

/** Clients that poll one after the other, in this process. */
export interface Pollers extends Pick<Readers, "received">, AsyncDisposable {
  /** Answers so far. */
  answers(): number;
}

/**
 * Has a client poll for each token, for the topics of `query`, until they are disposed of.
 * @throws when a first poll is refused.
 */
export async function openPollers(port: number, tokens: readonly string[], query: string): Promise<Pollers> {
  const gone = new AbortController();
  const [seen, clients] = [{ events: 0, bytes: 0, closed: 0, answers: 0 }, new DisposableStack()];
  const note = ({ frames }: PollAnswer): void => {
    seen.answers += 1;
    seen.events += frames.filter(({ event }) => event === undefined).length;
  };
  const rounds = tokens.map(async (token) => {
    const client = clients.use(createPollClient(port, token));
    const first = await client.poll(query);
    if (first.status !== 200) throw new Error(`a poll was refused with ${first.status}`);
    return async (): Promise<void> => {
      for (;;) {
        const answer = await client.poll(query, { signal: gone.signal });
        if (answer.status !== 200) break;
        note(answer);
      }
      seen.closed += 1;
    };
  });
  const polling = (await Promise.all(rounds)).map((poll) => poll().catch(() => undefined));
  return {
    received: async () => ({ ...seen }),
    answers: () => seen.answers,
    async [Symbol.asyncDispose]() {
      gone.abort();
      await Promise.all(polling);
      clients.dispose();
    },
  };
}
