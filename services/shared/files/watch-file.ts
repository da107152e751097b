import { stat } from "node:fs/promises";
import { type Poll, poll } from "#shared/async/poll.ts";

/** How often files are looked at: a look costs less than missing one that was replaced by a link. */
const LOOK_EVERY_MS = 1_000;

/** Files that are read together, again when one of them changes. */
export interface WatchedFile<Content> {
  readonly paths: readonly string[];
  /** Reads the files and checks them; throws when they cannot be used. */
  readonly read: () => Promise<Content>;
  /** Takes the content, also if it is the same as before. */
  readonly onRead: (content: Content) => void | Promise<void>;
  /** Called with each fault of each change, once. The content in use stays. */
  readonly onFault: (reason: string) => void;
  readonly everyMs?: number;
}

/**
 * Watches files by looking at them: editors and Kubernetes replace files in ways that no notification reports. They are read once
 * after the start, and after each change as soon as two looks in a row found them the same: a half-written file is left
 * alone. Files that could not be used are tried again at each look, as their time may come.
 */
export function watchFile<Content>(file: WatchedFile<Content>): Poll {
  let [seen, read, fault] = ["", "", ""];
  const take = async (stamp: string): Promise<void> => {
    const found = await attempt(file.read);
    if ("content" in found) {
      [read, fault] = [stamp, ""];
      await file.onRead(found.content);
      return;
    }
    const faultNow = `${stamp} ${found.reason}`;
    if (faultNow !== fault) file.onFault(found.reason);
    fault = faultNow;
  };
  const stampNow = async (): Promise<string> => (await Promise.all(file.paths.map(stampOf))).join(" ");
  const inTurn = createTurns();
  const looking = poll(file.everyMs ?? LOOK_EVERY_MS, () =>
    inTurn(async () => {
      const stamp = await stampNow();
      const isSettled = stamp === seen;
      seen = stamp;
      if (isSettled && stamp !== read) await take(stamp);
    }),
  );
  const readAgain = (): Promise<void> => inTurn(async () => take((seen = await stampNow())));
  watches.add(readAgain);
  return {
    [Symbol.dispose]() {
      watches.delete(readAgain);
      looking[Symbol.dispose]();
    },
    async [Symbol.asyncDispose]() {
      watches.delete(readAgain);
      await looking[Symbol.asyncDispose]();
    },
  };
}

/** The watches of this process: a signal is for all of it. */
const watches = new Set<() => Promise<void>>();

/** Reads every watched file of this process now, changed or not, settled or not; answers how many watches there are. */
export async function readFilesAgain(): Promise<number> {
  const all = [...watches];
  await Promise.all(all.map((readAgain) => readAgain()));
  return all.length;
}

/** Runs steps one after the other. */
function createTurns(): (step: () => Promise<void>) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  return (step) => {
    const next = last.then(step);
    last = next.catch(() => undefined);
    return next;
  };
}

async function attempt<Content>(read: () => Promise<Content>): Promise<{ content: Content } | { reason: string }> {
  try {
    return { content: await read() };
  } catch (error) {
    return { reason: (error as Error).message };
  }
}

/** Differs once the file was written or replaced, or its link points somewhere else. */
async function stampOf(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (found === undefined) return "absent";
  return [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join();
}
