import { expect, test } from "vitest";
import { settle } from "../../../test/rigs/fake-environment.ts";
import type { Locks } from "../environment/environment.ts";
import { TabLock } from "./tab-lock.ts";

test("a lock that the browser refuses to this page is asked for once, and was not lost", async () => {
  let asked = 0;
  const locks = {
    request: async () => {
      asked += 1;
      throw new DOMException("a page of no origin has no locks", "SecurityError");
    },
  } as Locks;
  const told: string[] = [];
  const lock = new TabLock(locks, "name", {
    onHeld: () => told.push("held"),
    onLost: () => {
      told.push("lost");
      if (asked < 10) lock.wait();
    },
  });
  lock.wait();
  await settle();
  expect({ asked, told }).toEqual({ asked: 1, told: [] });
});
