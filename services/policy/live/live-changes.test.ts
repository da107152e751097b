import { expect, test } from "vitest";
import type { LiveThing } from "#shared/contract/live-things.ts";
import { waitFor } from "#test/support/wait.ts";
import type { ChangeFeed } from "./change-feed.ts";
import { createLiveChanges, type LiveViewer } from "./live-changes.ts";

/** A feed that tells what a test says, and how many tenants it follows. */
function createRig() {
  const followed = new Map<string, { readonly tell: (thing: LiveThing) => void; readonly fail: () => void }>();
  const feed: ChangeFeed = {
    follow(tenant, tell, stop) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      followed.set(tenant, { tell, fail: () => reject(new Error("away")) });
      stop.addEventListener("abort", () => (followed.delete(tenant), resolve()));
      return promise;
    },
  };
  return { live: createLiveChanges(feed, 5), followed };
}

function createViewer() {
  const told: string[] = [];
  const viewer: LiveViewer = { changed: (thing) => void told.push(thing), end: (why) => void told.push(why) };
  return { viewer, told };
}

test("a tenant is followed once for all who look, and no longer than they do", async () => {
  const { live, followed } = createRig();
  const [one, other] = [createViewer(), createViewer()];
  const [first, second] = [live.open("acme", one.viewer), live.open("acme", other.viewer)];
  for (let times = 0; times < 100; times += 1) followed.get("acme")?.tell("connections");
  await waitFor("both are told", () => one.told.length > 0 && other.told.length > 0);
  expect([one.told, other.told]).toEqual([["connections"], ["connections"]]);
  first[Symbol.dispose]();
  expect(followed.size).toBe(1);
  second[Symbol.dispose]();
  expect(followed.size).toBe(0);
  await live[Symbol.asyncDispose]();
});

test("viewers are ended when the feed is lost, and when policy stops; who comes back is told again", async () => {
  const { live, followed } = createRig();
  const { viewer, told } = createViewer();
  live.open("acme", viewer);
  followed.get("acme")?.fail();
  await waitFor("the end", () => told.length > 0);
  live.open("acme", viewer);
  await live[Symbol.asyncDispose]();
  expect(told).toEqual(["unavailable", "stopping"]);
});

test("a tenant has 32 viewers at most, and 64 tenants are followed", async () => {
  const { live } = createRig();
  const { viewer } = createViewer();
  const open = (tenant: string) => live.open(tenant, { ...viewer });
  for (let count = 0; count < 32; count += 1) open("acme");
  expect(() => open("acme")).toThrow("32 follow");
  for (let count = 1; count < 64; count += 1) open(`t${count}`);
  expect(() => open("one-more")).toThrow("too many tenants");
  await live[Symbol.asyncDispose]();
});
