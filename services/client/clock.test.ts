import { expect, test } from "vitest";
import { openFakeSource as open } from "../../test/rigs/client-source.ts";
import { createFakeEnvironment, idOf } from "../../test/rigs/fake-environment.ts";
import { ownEnvironment } from "./environment/own-environment.ts";

const HOUR_MS = 3_600_000;

/** A stream that is open, on a machine whose clock is right. */
async function openStream(lastEventId?: string) {
  const environment = createFakeEnvironment();
  await environment.pass(10 * HOUR_MS);
  const opened = await open({ environment, ...(lastEventId !== undefined && { lastEventId }) });
  opened.sse.now.ready();
  return opened;
}

test("a clock that is set back while a stream is open does not delay the next one", async () => {
  const { sse, environment } = await openStream();
  environment.sleep(-HOUR_MS);
  sse.now.end({ kind: "closed" });
  await environment.pass(5_000);
  expect(sse.journeys).toHaveLength(2);
});

test("a clock that is set back after a refresh ends no stream when the next token is due", async () => {
  const environment = createFakeEnvironment();
  await environment.pass(10 * HOUR_MS);
  const tokens = ["first", "second", "third"];
  const { sse, source } = await open({ environment, token: async () => tokens.shift() });
  sse.now.end({ kind: "refused", status: 401 });
  await environment.pass(1_000);
  sse.now.ready();
  environment.sleep(-HOUR_MS);
  await environment.pass(30_000);
  sse.now.control("auth_error", { reason: "expired" });
  await environment.pass(1_000);
  expect(source.state.name).not.toBe("ended");
  expect(sse.now.request.token()).toBe("third");
});

test("a clock that is set back during a pause does not prolong it by as much", async () => {
  const { sse, environment } = await openStream();
  sse.now.control("bye", { reason: "drain", retryMs: 2_000 });
  await environment.pass(100);
  environment.sleep(-HOUR_MS);
  await environment.pass(4_000);
  expect(sse.journeys).toHaveLength(2);
});

test("a clock that is set back does not hide that a stream is silent", async () => {
  const { sse, environment } = await openStream();
  environment.sleep(-HOUR_MS);
  await environment.pass(50_000);
  expect(sse.journeys.length).toBeGreaterThan(1);
});

test("a clock that is set back does not keep a stream behind that has caught up", async () => {
  const { sse, environment, source } = await openStream(idOf(1));
  sse.now.event(2);
  environment.sleep(-HOUR_MS);
  await environment.pass(2_000);
  expect(source.state).toEqual({ name: "live" });
});

test("a pause that is longer than timers hold does not end at once", async () => {
  const { after } = ownEnvironment();
  const ended: string[] = [];
  const cancel = after(2 ** 40, () => ended.push("long"));
  await new Promise<void>((resolve) => after(20, resolve));
  cancel();
  expect(ended).toEqual([]);
});
