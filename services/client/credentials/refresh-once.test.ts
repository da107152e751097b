import { describe, expect, test } from "vitest";
import { createFakeEnvironment, createOrigin, settle } from "../../../test/rigs/fake-environment.ts";
import { Credentials, type CredentialOptions } from "./credentials.ts";

const jwt = (who: string, exp = 9_000): string =>
  `x.${btoa(JSON.stringify({ exp, iss: "i", tenant_id: "t", sub: who }))}.y`;

/** Tabs of one origin, each with its own way to a token; what it fetches waits until `let go`. */
function openTabs(...each: readonly Partial<CredentialOptions>[]) {
  const environment = createFakeEnvironment(createOrigin());
  const tabs = each.map((options) => new Credentials({ url: "http://edge.test", ...options }, environment));
  return { environment, tabs };
}

/** A function that fetches these, once each is released. */
function slowly<Value>(...values: readonly Value[]) {
  const releases: (() => void)[] = [];
  const fetcher = Object.assign(
    () => {
      const value = values[fetcher.calls];
      fetcher.calls += 1;
      return new Promise<Value>((resolve) => releases.push(() => resolve(value as Value)));
    },
    { calls: 0, release: () => releases.shift()?.() },
  );
  return fetcher;
}

describe("tabs that refresh at the same time", () => {
  test("refresh a cookie once", async () => {
    const refresh = slowly(undefined, undefined);
    const { environment, tabs } = openTabs({ credentials: "include", refresh }, { credentials: "include", refresh });
    const results = Promise.all(tabs.map((tab) => tab.refresh()));
    await settle();
    refresh.release();
    await environment.pass(200);
    expect(await results).toEqual(["fresh", "fresh"]);
    expect(refresh.calls).toBe(1);
  });

  test("fetch a token once where it is the same person's", async () => {
    const [mine, theirs] = [slowly(jwt("ann"), jwt("ann", 9_999)), slowly(jwt("ann"), jwt("ann", 9_998))];
    const { environment, tabs } = openTabs({ token: mine }, { token: theirs });
    for (const [index, fetcher] of [mine, theirs].entries()) {
      const prepared = tabs[index]?.prepare();
      await settle();
      fetcher.release();
      await environment.pass(200);
      await prepared;
    }
    const results = Promise.all(tabs.map((tab) => tab.refresh()));
    await settle();
    mine.release();
    await environment.pass(200);
    expect(await results).toEqual(["fresh", "fresh"]);
    expect(tabs.map(({ token }) => token)).toEqual([jwt("ann", 9_999), jwt("ann", 9_999)]);
    expect([mine.calls, theirs.calls]).toEqual([2, 1]);
  });

  test("never take another person's token", async () => {
    const [mine, theirs] = [slowly(jwt("ann"), jwt("ann", 9_999)), slowly(jwt("bob"), jwt("bob", 9_998))];
    const { environment, tabs } = openTabs({ token: mine }, { token: theirs });
    for (const [index, fetcher] of [mine, theirs].entries()) {
      const prepared = tabs[index]?.prepare();
      await settle();
      fetcher.release();
      await environment.pass(200);
      await prepared;
    }
    const results = Promise.all(tabs.map((tab) => tab.refresh()));
    await settle();
    mine.release();
    await environment.pass(200);
    theirs.release();
    await results;
    expect(tabs.map(({ token }) => token)).toEqual([jwt("ann", 9_999), jwt("bob", 9_998)]);
  });

  test("do not refresh while another one fetches its first token, which may spend the same refresh token", async () => {
    const [mine, theirs] = [slowly(jwt("ann"), jwt("ann", 9_999)), slowly(jwt("ann", 9_998))];
    const { environment, tabs } = openTabs({ token: mine }, { token: theirs });
    const prepared = tabs[0]?.prepare();
    await settle();
    mine.release();
    await prepared;
    const both = Promise.all([tabs[1]?.prepare(), tabs[0]?.refresh()]);
    await environment.pass(200);
    expect([mine.calls, theirs.calls]).toEqual([1, 1]);
    theirs.release();
    await environment.pass(200);
    expect(mine.calls).toBe(2);
    mine.release();
    await both;
  });

  test("tell what they got only to those who may use it", async () => {
    const origin = createOrigin();
    const told: { readonly channel: string; readonly message: unknown }[] = [];
    const environment = createFakeEnvironment({
      ...origin,
      openChannel(channel) {
        const opened = origin.openChannel(channel);
        return {
          ...opened,
          postMessage(message) {
            told.push({ channel, message });
          },
        };
      },
    });
    const tabOf = (...given: string[]): Credentials =>
      new Credentials({ url: "http://edge.test", token: async () => given.shift() }, environment);
    const [ann, bob, unread, changing] = [
      tabOf(jwt("ann", 100), jwt("ann", 200)),
      tabOf(jwt("bob", 100), jwt("bob", 200)),
      tabOf("opaque-1", "opaque-2"),
      tabOf(jwt("eve", 100), jwt("bob", 200)),
    ];
    for (const tab of [ann, bob, unread, changing]) await tab.prepare();
    // Whose they are was not known before: nobody else could tell that they are theirs.
    expect(told).toEqual([]);
    for (const tab of [unread, changing, ann, bob]) await tab.refresh();
    expect(told.map(({ message }) => message)).toEqual([{ token: jwt("ann", 200) }, { token: jwt("bob", 200) }]);
    expect(new Set(told.map(({ channel }) => channel)).size).toBe(2);
  });

  test("do not take the token that they were refused with, though another tab has just fetched it", async () => {
    const environment = createFakeEnvironment(createOrigin());
    const url = "http://edge.test";
    const mine = new Credentials({ url, token: async () => tokens.shift() }, environment);
    const tokens = [jwt("ann", 100), jwt("ann", 200)];
    await mine.prepare();
    const slow = slowly(jwt("ann", 100));
    const late = new Credentials({ url, token: slow }, environment).prepare();
    await settle();
    const refreshed = mine.refresh();
    await settle();
    slow.release();
    await environment.pass(200);
    await Promise.all([late, refreshed]);
    expect(mine.token).toBe(jwt("ann", 200));
  });

  test("refresh one after the other where the first one fails", async () => {
    let calls = 0;
    const refresh = async (): Promise<void> => {
      calls += 1;
      if (calls === 1) throw new Error("away");
    };
    const { environment, tabs } = openTabs({ credentials: "include", refresh }, { credentials: "include", refresh });
    const results = Promise.allSettled(tabs.map((tab) => tab.refresh()));
    await environment.pass(200);
    expect((await results).map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    expect(calls).toBe(2);
  });
});

test("whoever asks twice in one tab waits for one refresh", async () => {
  const token = slowly("one");
  const credentials = new Credentials({ url: "http://edge.test", token }, createFakeEnvironment());
  const both = Promise.all([credentials.refresh(), credentials.refresh()]);
  await settle();
  token.release();
  expect(await both).toEqual(["fresh", "fresh"]);
  expect(token.calls).toBe(1);
});
