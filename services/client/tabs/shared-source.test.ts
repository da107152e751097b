import { afterEach, expect, test } from "vitest";
import { waitFor } from "../../../test/support/wait.ts";
import type { Frame } from "../../shared/protocol/frame.ts";
import type { Source } from "../source.ts";
import { FakeLog } from "./fake-log.ts";
import { shareSource } from "./shared-source.ts";
import type { Sharing, TabPlatform } from "./sharing.ts";

const open: Source[] = [];
let names = 0;
afterEach(() => {
  for (const source of open.splice(0)) source.close();
});

/** A tab, and what it has shown. */
interface TestTab {
  readonly source: Source;
  readonly frames: Frame[];
  readonly told: string[];
  readonly events: () => string[];
  /** The page is frozen, or goes on. */
  sign(sign: "suspend" | "wake"): void;
  /** From now on it hears and says nothing, and keeps what it has: a page that was stopped without being told. */
  hang(): void;
}

interface TabOptions {
  readonly from?: "now" | "earliest";
  readonly lastEventId?: string;
  readonly prove?: Sharing["prove"];
  /** Who the log's stream is for, as this tab's credentials say. */
  readonly subject?: () => string;
}

/** Tabs of one browser that read one log. */
function openBrowser(): { readonly log: FakeLog; readonly tab: (options?: TabOptions) => TestTab } {
  const log = new FakeLog();
  names += 1;
  const name = `tabs-${names}`;
  let ids = 0;
  const tab = ({ from = "now", lastEventId, prove, subject = () => "ann" }: TabOptions = {}): TestTab => {
    const frames: Frame[] = [];
    const told: string[] = [];
    let listen: (sign: "suspend" | "wake") => void = () => {};
    let isHanging = false;
    const platform: TabPlatform = {
      locks: navigator.locks,
      openChannel(channelName) {
        const channel = new BroadcastChannel(channelName);
        const muted = Object.create(channel) as BroadcastChannel;
        muted.postMessage = (message: unknown) => void (isHanging || channel.postMessage(message));
        muted.addEventListener = (type: string, hear: (event: MessageEvent) => void) =>
          channel.addEventListener(type as "message", (event) => void (isHanging || hear(event as MessageEvent)));
        muted.close = () => channel.close();
        return muted;
      },
      newTabId: () => `${name}-${(ids += 1)}`,
      // A hundredth of the time: none of these tests waits for seconds.
      after(ms, callback) {
        const timer = setTimeout(() => void (isHanging || callback()), ms / 100);
        return () => clearTimeout(timer);
      },
      watch(listener) {
        listen = listener;
        return () => {};
      },
    };
    const sharing = { name, beginsNow: from === "now", prove, platform };
    const listener = {
      onFrame: (frame: Frame) => void frames.push(frame),
      onState: ({ name: state }: { name: string }) => void told.push(state),
    };
    const opener = log.opener({ from, subject, isMuted: () => isHanging });
    const source = shareSource(opener, sharing)(listener, lastEventId);
    open.push(source);
    const events = (): string[] => frames.filter(({ event }) => event === undefined).map(({ data = "" }) => data);
    return { source, frames, told, events, sign: (sign) => listen(sign), hang: () => void (isHanging = true) };
  };
  return { log, tab };
}

async function areLive(...tabs: readonly TestTab[]): Promise<void> {
  for (const { source } of tabs) await waitFor("a live tab", () => source.state.name === "live");
}

async function allShow(texts: readonly string[], ...tabs: readonly TestTab[]): Promise<void> {
  const show = (): string => JSON.stringify(tabs.map(({ events }) => events()));
  const expected = JSON.stringify(tabs.map(() => texts));
  await waitFor(`${expected}`, () => show() === expected).catch(() => expect(show()).toBe(expected));
}

test("eight tabs have one stream, and each shows every event", async () => {
  const { log, tab } = openBrowser();
  const tabs = Array.from({ length: 8 }, () => tab());
  await areLive(...tabs);
  log.append("a", "b");
  await allShow(["a", "b"], ...tabs);
  expect([log.openStreams, log.opened]).toEqual([1, 1]);
  expect(new Set(tabs.map(({ source }) => source.connectionId)).size).toBe(1);
});

test("the tab that leads may close: another one goes on, without loss or repeat", async () => {
  const { log, tab } = openBrowser();
  const tabs = [tab(), tab(), tab()];
  await areLive(...tabs);
  log.append("a");
  await allShow(["a"], ...tabs);
  log.append("b");
  tabs[0]?.source.close();
  log.append("c");
  await allShow(["a", "b", "c"], ...tabs.slice(1));
  expect([log.openStreams, log.opened]).toEqual([1, 2]);
});

test("a tab that was frozen gets from another one what it missed, and no stream of its own", async () => {
  const { log, tab } = openBrowser();
  const [leader, follower] = [tab(), tab()];
  await areLive(leader, follower);
  follower.sign("suspend");
  expect(follower.source.state).toEqual({ name: "offline", reason: "suspended" });
  log.append("a", "b");
  await allShow(["a", "b"], leader);
  follower.sign("wake");
  await allShow(["a", "b"], leader, follower);
  await areLive(follower);
  expect(log.opened).toBe(1);
});

test("a tab that leads and is frozen lets another one lead, and comes back as one that follows", async () => {
  const { log, tab } = openBrowser();
  const [first, second] = [tab(), tab()];
  await areLive(first, second);
  log.append("a");
  await allShow(["a"], first, second);
  first.sign("suspend");
  log.append("b");
  await allShow(["a", "b"], second);
  first.sign("wake");
  log.append("c");
  await allShow(["a", "b", "c"], first, second);
  expect([log.openStreams, log.opened]).toEqual([1, 2]);
});

test("a tab that is further back than any other remembers reads a stream of its own, until it stands where the shared one is", async () => {
  const { log, tab } = openBrowser();
  log.append("a", "b", "c");
  const leader = tab();
  await areLive(leader);
  const late = tab({ lastEventId: log.idOf("a") });
  await allShow(["b", "c"], late);
  await waitFor("one stream", () => log.openStreams === 1);
  log.append("d");
  await allShow(["d"], leader);
  await allShow(["b", "c", "d"], late);
  expect(log.opened).toBe(2);
});

test("tabs with one beginning in the past each get all from there", async () => {
  const { log, tab } = openBrowser();
  log.append("a", "b");
  const first = tab({ from: "earliest" });
  await allShow(["a", "b"], first);
  const second = tab({ from: "earliest" });
  await allShow(["a", "b"], first, second);
  log.append("c");
  await allShow(["a", "b", "c"], first, second);
  await waitFor("one stream", () => log.openStreams === 1);
});

test("a tab that hangs loses the lead, and shows nothing twice when it goes on", async () => {
  const { log, tab } = openBrowser();
  const [first, second] = [tab(), tab()];
  await areLive(first, second);
  log.append("a");
  await allShow(["a"], first, second);
  first.hang();
  log.append("b");
  await allShow(["a", "b"], second);
});

test("a tab whose leader is another person's reads its own stream", async () => {
  const { log, tab } = openBrowser();
  const ann = tab({ subject: () => "ann", prove: async () => true });
  await areLive(ann);
  const asked: string[] = [];
  const prove = async (connectionId: string): Promise<boolean> => {
    asked.push(connectionId);
    return false;
  };
  const bob = tab({ subject: () => "bob", prove });
  await areLive(bob);
  log.append("a");
  await allShow(["a"], ann, bob);
  expect(asked).toEqual([ann.source.connectionId]);
  expect(log.openStreams).toBe(2);
  expect(bob.frames.filter(({ data }) => data?.includes(`"ann"`))).toEqual([]);
});

test("a tab that proves to be of the same person follows, and proves it anew when the leader's stream is another's", async () => {
  const { log, tab } = openBrowser();
  let subject = "ann";
  let proofs = 0;
  const prove = async (): Promise<boolean> => (proofs += 1) > 0;
  const first = tab({ subject: () => subject, prove });
  await areLive(first);
  const second = tab({ subject: () => subject, prove });
  await areLive(second);
  expect([proofs, log.openStreams]).toEqual([1, 1]);
  subject = "bob";
  log.cut();
  log.append("a");
  await allShow(["a"], first, second);
  expect([proofs, log.openStreams]).toEqual([2, 1]);
});

test("a tab whose token becomes another person's leaves the others", async () => {
  const { log, tab } = openBrowser();
  let subject = "ann";
  const first = tab({ subject: () => subject });
  await areLive(first);
  const second = tab();
  await areLive(second);
  subject = "bob";
  log.cut();
  log.append("a");
  await allShow(["a"], first, second);
  expect(log.openStreams).toBe(2);
  expect(second.frames.filter(({ data }) => data?.includes(`"bob"`))).toEqual([]);
});

test("the end of one tab's stream is not the end of the others'", async () => {
  const { log, tab } = openBrowser();
  let isSignedOut = false;
  const first = tab({ subject: () => (isSignedOut ? "" : "ann") });
  await areLive(first);
  const second = tab();
  await areLive(second);
  isSignedOut = true;
  log.cut();
  await waitFor("the end", () => first.source.state.name === "ended");
  log.append("a");
  await allShow(["a"], second);
  expect(first.told).toEqual(["live", "ended"]);
  expect(second.source.state).toEqual({ name: "live" });
});
