import { logStreamName } from "#shared/contract/tenant-log.ts";
import type { Bench } from "../../bench/scenario.ts";

/** So many entries of the log are asked for together. */
const AT_ONCE = 250;

/** The demo tenant's log, whose broker notes when it has stored an event. */
export async function openLog({ stack }: Bench) {
  const { streams } = await (await stack.bus("policy")).manager();
  const name = logStreamName("demo");
  const lastSeq = async (): Promise<number> => (await streams.info(name)).state.last_seq;
  return {
    lastSeq,
    /** When each event from this one on was stored, in milliseconds since 1970. */
    async timesFrom(first: number): Promise<readonly number[]> {
      const times: number[] = [];
      for (const last = await lastSeq(); times.length <= last - first;) {
        const length = Math.min(AT_ONCE, last - first + 1 - times.length);
        const begin = first + times.length;
        const stored = await Promise.all(
          Array.from({ length }, (_, index) => streams.getMessage(name, { seq: begin + index })),
        );
        for (const message of stored) times.push(message?.time.getTime() ?? Number.NaN);
      }
      return times;
    },
  };
}
