import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openEventStream } from "#test/support/event-stream.ts";
import { type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

const run = promisify(execFile);

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ stream: { STREAM_EVENT_MAX_BYTES: "2000" } });
});
afterAll(() => stack[Symbol.asyncDispose]());

test("what nobody can be shown is passed, counted, told once in the log, and readable", async () => {
  const demo = await stack.bus("demo");
  const { access_token: token } = await stack.login("bob");
  await using stream = await openEventStream(`${stack.streamUrl}/v1/stream?topic=push.>`, { token });
  await stream.frame("ready");
  await demo.publish("events.demo.push.event.k", "before");
  const large = await demo.publish("events.demo.push.event.k", "x".repeat(2_001));
  const torn = await demo.publish("events.demo.push.event.k", Uint8Array.of(0x7b, 0xff, 0x1b, 0x5b, 0x32, 0x4a));
  const nameless = await demo.publish("events.demo.push", "not a topic");
  await demo.publish("events.demo.push.event.k", "after");
  expect(await stream.receive(2)).toEqual(["before", "after"]);

  const metrics = await (await fetch(`http://127.0.0.1:${stack.edge.ports.ops}/metrics`)).text();
  for (const reason of ["too_large", "not_utf8", "not_a_topic"]) {
    expect(metrics).toContain(`sluice_stream_poison_total{reason="${reason}"} 1`);
  }
  const told = (): number => stack.edge.child.output().split("sluice poison").length - 1;
  await waitFor("the log tells it", () => told() > 0);
  expect(told()).toBe(1);

  const { stdout, stderr } = await poison();
  expect(stdout.split("\n").filter(Boolean)).toEqual([
    expect.stringMatching(new RegExp(`^${large}  \\S+  too_large    2001 bytes  events\\.demo\\.push\\.event\\.k$`)),
    expect.stringMatching(new RegExp(`^${torn}  \\S+  not_utf8     6 bytes  `)),
    expect.stringMatching(new RegExp(`^${nameless}  \\S+  not_a_topic  11 bytes  events\\.demo\\.push$`)),
  ]);
  expect(stderr).toMatch(/^3 of \d+ entries cannot be shown/m);
  expect((await poison("--from", String(torn))).stdout.split("\n").filter(Boolean)).toHaveLength(2);
  expect((await poison("--show", String(torn))).stdout).toBe("{\\xff\\x1b[2J\n");
  await expect(poison("--show", "99999")).rejects.toThrow(/there is no entry 99999/);
});

function poison(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return run(process.execPath, ["scripts/sluice.ts", "poison", "--tenant", "demo", ...args], {
    env: { ...process.env, NATS_URL: stack.nats.url("policy"), STREAM_EVENT_MAX_BYTES: "2000" },
  });
}
