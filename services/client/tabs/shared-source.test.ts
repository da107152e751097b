import { expect, test } from "vitest";
import { allShow, areLive, openBrowser, type TestTab } from "../../../test/rigs/tabs-rig.ts";
import { random } from "../../../test/support/random.ts";
import { waitFor } from "../../../test/support/wait.ts";

test("eight tabs have one stream, and each shows every event", async () => {
  using browser = openBrowser();
  const { log, tab } = browser;
  const tabs = Array.from({ length: 8 }, () => tab());
  await areLive(...tabs);
  log.append("a", "b");
  await allShow(["a", "b"], ...tabs);
  expect([log.openStreams, log.opened]).toEqual([1, 1]);
  expect(new Set(tabs.map(({ source }) => source.connectionId)).size).toBe(1);
});

test("the tab that leads may close: another one goes on, without loss or repeat", async () => {
  using browser = openBrowser();
  const { log, tab } = browser;
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
  using browser = openBrowser();
  const { log, tab } = browser;
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

test("tabs that were away, or come, after the log has lost its end are told so, and get what stands there now", async () => {
  using browser = openBrowser();
  const { log, tab } = browser;
  const [leader, follower] = [tab(), tab()];
  await areLive(leader, follower);
  log.append("a", "b", "c", "d");
  await allShow(["a", "b", "c", "d"], leader, follower);
  const lost = log.idOf("d");
  follower.sign("suspend");
  log.loseEnd(3);
  log.append("x", "y");
  await allShow(["a", "b", "c", "d", "x", "y"], leader);
  follower.sign("wake");
  await allShow(["a", "b", "c", "d", "x", "y"], leader, follower);
  const [late, ahead] = [tab({ lastEventId: lost }), tab({ lastEventId: "epoch-one.9.t9" })];
  await areLive(late, ahead);
  log.append("z");
  await allShow(["x", "y", "z"], late);
  await allShow(["z"], ahead);
  for (const { frames } of [leader, follower, late, ahead]) {
    expect(frames.filter(({ event }) => event === "reset").length).toBe(1);
  }
});

test("a tab that leads and is frozen lets another one lead, and comes back as one that follows", async () => {
  using browser = openBrowser();
  const { log, tab } = browser;
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
  using browser = openBrowser();
  const { log, tab } = browser;
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
  using browser = openBrowser();
  const { log, tab } = browser;
  log.append("a", "b");
  const first = tab({ from: "earliest" });
  await allShow(["a", "b"], first);
  const second = tab({ from: "earliest" });
  await allShow(["a", "b"], first, second);
  log.append("c");
  await allShow(["a", "b", "c"], first, second);
  await waitFor("one stream", () => log.openStreams === 1);
});

test("a tab that hangs loses the lead once it does not answer", async () => {
  using browser = openBrowser();
  const { log, tab, pass } = browser;
  const [first, second] = [tab(), tab()];
  await areLive(first, second);
  log.append("a");
  await allShow(["a"], first, second);
  first.hang();
  log.append("b");
  pass(20_000);
  pass(9_999);
  expect(log.opened).toBe(1);
  pass(1);
  await allShow(["a", "b"], second);
  expect(log.opened).toBe(2);
});

test("a tab that is opened while the leader hangs reads a stream of its own after a second", async () => {
  using browser = openBrowser();
  const { log, tab, pass } = browser;
  const first = tab();
  await areLive(first);
  first.hang();
  const second = tab();
  pass(999);
  expect(log.opened).toBe(1);
  pass(1);
  await areLive(second);
  log.append("a");
  await allShow(["a"], second);
});

test("of ten tabs whose leader hangs four read streams of their own, and the others when these have done so", async () => {
  using browser = openBrowser();
  const { log, tab, pass } = browser;
  const leader = tab();
  await areLive(leader);
  leader.hang();
  const tabs = Array.from({ length: 9 }, () => tab({ from: "earliest" }));
  log.append("a");
  const thatShow = (): number => tabs.filter(({ events }) => events().length > 0).length;
  for (let second = 0; second < 3; second += 1) {
    pass(1_000);
    await waitFor("four show what the leader keeps from them", () => thatShow() === 4);
  }
  expect(log.openStreams).toBe(5);
  leader.hang(false);
  log.append("b");
  await waitFor("the others have had their turn", () => {
    pass(1_000);
    return thatShow() === tabs.length;
  });
  await allShow(["a", "b"], ...tabs);
});

test("a leader that is silent and answers stays the leader", async () => {
  using browser = openBrowser();
  const { log, tab, pass } = browser;
  const [first, second] = [tab(), tab()];
  await areLive(first, second);
  pass(20_000);
  // Messages of one tab arrive in the order in which it sends them: the answer stands before the event.
  await new Promise((resolve) => setImmediate(resolve));
  log.append("a");
  await allShow(["a"], first, second);
  pass(10_000);
  log.append("b");
  await allShow(["a", "b"], first, second);
  expect(log.opened).toBe(1);
});

test("a tab whose leader is another person's reads its own stream", async () => {
  using browser = openBrowser();
  const { log, tab } = browser;
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
  using browser = openBrowser();
  const { log, tab } = browser;
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

test("a tab whose token comes to allow something else hands nothing more on, neither to the others nor to its page", async () => {
  using browser = openBrowser();
  const { log, tab } = browser;
  let subject = "ann";
  const first = tab({ subject: () => subject, isStill: () => subject === "ann" });
  await areLive(first);
  const second = tab();
  await areLive(second);
  subject = "bob";
  log.cut();
  log.append("a");
  await allShow(["a"], second);
  expect([first.events(), log.openStreams]).toEqual([[], 1]);
  expect([first, second].flatMap(({ frames }) => frames).filter(({ data }) => data?.includes(`"bob"`))).toEqual([]);
});

test("a tab that did not hear some frames gets them before it takes another one", async () => {
  using browser = openBrowser();
  const { log, tab } = browser;
  const [leader, follower] = [tab(), tab()];
  await areLive(leader, follower);
  follower.hang();
  log.append("a", "b");
  // Behind both, in the order of the channel.
  const marker = tab();
  await areLive(marker);
  follower.hang(false);
  log.append("c");
  await allShow(["a", "b", "c"], leader, follower);
  expect(log.opened).toBe(1);
});

test("the end of one tab's stream is not the end of the others'", async () => {
  using browser = openBrowser();
  const { log, tab } = browser;
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

test("whatever tabs go through, each shows every event once and in order", async () => {
  using browser = openBrowser();
  const { log, tab, pass } = browser;
  const tabs = Array.from({ length: 5 }, () => tab());
  await areLive(...tabs);
  const away = new Set<TestTab>();
  const one = <Each>(of: readonly Each[]): Each => of[Math.floor(random() * of.length)] as Each;
  const steps: (() => unknown)[] = [
    () => log.append(`event ${log.length}`, `event ${log.length + 1}`),
    () => log.cut(),
    () => new Promise((resolve) => setTimeout(resolve)),
    () => pass(random() * 1_500),
    () => {
      const chosen = one(tabs);
      chosen.sign(away.has(chosen) ? "wake" : "suspend");
      if (!away.delete(chosen)) away.add(chosen);
    },
  ];
  for (let step = 0; step < 400; step += 1) await one(steps)();
  for (const each of away) each.sign("wake");
  log.append("last");
  const all = log.texts();
  await allShow(all, ...tabs);
  await waitFor("one stream", () => log.openStreams === 1);
});
