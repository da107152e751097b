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
  return poll(file.everyMs ?? LOOK_EVERY_MS, async () => {
    const stamp = (await Promise.all(file.paths.map(stampOf))).join(" ");
    const isSettled = stamp === seen;
    seen = stamp;
    if (!isSettled || stamp === read) return;
    const found = await attempt(file.read);
    if ("content" in found) {
      [read, fault] = [stamp, ""];
      await file.onRead(found.content);
      return;
    }
    const faultNow = `${stamp} ${found.reason}`;
    if (faultNow !== fault) file.onFault(found.reason);
    fault = faultNow;
  });
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
