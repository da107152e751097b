import type { Frame } from "../../services/shared/protocol/frame.ts";
import type { Source } from "../../services/client/source.ts";
import { waitFor } from "../support/wait.ts";
import { TabLog } from "./tab-log.ts";
import { shareSource } from "../../services/client/tabs/shared-source.ts";
import type { Sharing, TabPlatform } from "../../services/client/tabs/sharing.ts";

/** A tab, and what it has shown. */
export interface TestTab {
  readonly source: Source;
  readonly frames: Frame[];
  readonly told: string[];
  readonly events: () => string[];
  /** The page is frozen, or goes on. */
  sign(sign: "suspend" | "wake"): void;
  /** From now on it hears and says nothing, and keeps what it has: a page that was stopped without being told. `false` ends that. */
  hang(isHanging?: boolean): void;
}

/** How a tab asks for the stream. */
interface TabOptions {
  readonly from?: "now" | "earliest";
  readonly lastEventId?: string;
  readonly prove?: Sharing["prove"];
  /** Who the log's stream is for, as this tab's credentials say. */
  readonly subject?: () => string;
  readonly isStill?: () => boolean;
}

/** Tabs of one browser that read one log, by clocks of their own. */
export interface TestBrowser extends Disposable {
  readonly log: TabLog;
  readonly tab: (options?: TabOptions) => TestTab;
  /** Lets so much time pass for their timers. */
  readonly pass: (ms: number) => void;
}

/** Opens a browser without tabs. Its locks and channels are Node's. */
export function openBrowser(): TestBrowser {
  const log = new TabLog();
  const open: Source[] = [];
  const timers = new Set<{ leftMs: number; readonly run: () => void }>();
  // Channels of one name are one in all files of tests that run in this process.
  const name = `tabs-${crypto.randomUUID()}`;
  let ids = 0;
  const tab = ({
    from = "now",
    lastEventId,
    prove,
    subject = () => "ann",
    isStill = () => true,
  }: TabOptions = {}): TestTab => {
    const frames: Frame[] = [];
    const told: string[] = [];
    let listen: (sign: "suspend" | "wake") => void = () => {};
    let isHanging = false;
    const platform: TabPlatform = {
      locks: navigator.locks,
      openChannel(channelName) {
        const channel = new BroadcastChannel(channelName);
        return {
          postMessage(message) {
            // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel is of one origin
            if (!isHanging) channel.postMessage(message);
          },
          addEventListener: (type, hear) =>
            channel.addEventListener(type, (event) => void (isHanging || hear(event as MessageEvent))),
          close: () => channel.close(),
        };
      },
      newTabId: () => `${name}-${(ids += 1)}`,
      after(ms, callback) {
        const timer = { leftMs: ms, run: () => void (isHanging || callback()) };
        timers.add(timer);
        return () => timers.delete(timer);
      },
      watch(listener) {
        listen = listener;
        return () => {};
      },
    };
    const onOther = (): void => source.close();
    const sharing: Sharing = { name, beginsNow: from === "now", prove, isStill, onOther, platform };
    const listener = {
      onFrame: (frame: Frame) => void frames.push(frame),
      onState: ({ name: state }: { name: string }) => void told.push(state),
    };
    const opener = log.opener({ from, subject, isMuted: () => isHanging });
    const source = shareSource(opener, sharing)(listener, lastEventId);
    open.push(source);
    const events = (): string[] => frames.filter(({ event }) => event === undefined).map(({ data = "" }) => data);
    return {
      source,
      frames,
      told,
      events,
      sign: (sign) => listen(sign),
      hang: (hangs = true) => void (isHanging = hangs),
    };
  };
  const pass = (ms: number): void => {
    for (const timer of Array.from(timers)) {
      timer.leftMs -= ms;
      if (timer.leftMs > 0 || !timers.delete(timer)) continue;
      timer.run();
    }
  };
  const close = (): void => {
    for (const source of open) source.close();
  };
  return { log, tab, pass, [Symbol.dispose]: close };
}

/** Waits until each tab says that it is live. */
export async function areLive(...tabs: readonly TestTab[]): Promise<void> {
  for (const { source } of tabs) await waitFor("a live tab", () => source.state.name === "live");
}

/** Waits until each tab has shown just these events. */
export async function allShow(texts: readonly string[], ...tabs: readonly TestTab[]): Promise<void> {
  const show = (): string => JSON.stringify(tabs.map(({ events }) => events()));
  const expected = JSON.stringify(tabs.map(() => texts));
  await waitFor(expected, () => show() === expected).catch((error: Error) => {
    throw new Error(`${error.message}; shown is ${show()}`);
  });
}
