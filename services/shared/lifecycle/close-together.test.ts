import { expect, test } from "vitest";
import { closeTogether } from "./close-together.ts";

test("servers are closed together, and one that does not close holds up nobody for long", async () => {
  const closed: string[] = [];
  const stack = new AsyncDisposableStack();
  stack.defer(() => void closed.push("what they rest on"));
  const add = closeTogether(stack, 50);
  add(() => new Promise(() => {}));
  add(async () => void closed.push("another"));
  await stack.disposeAsync();
  expect(closed).toEqual(["another", "what they rest on"]);
});
