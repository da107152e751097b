import { expect, test } from "vitest";
import { openFakeSource as open } from "../../test/rigs/client-source.ts";
import { createFakeEnvironment } from "../../test/rigs/fake-environment.ts";

test("a stream that is closed by whoever hears its state leaves no timer behind, which would keep a program running", async () => {
  const timers = new Set<number>();
  const environment = createFakeEnvironment();
  const { after } = environment;
  const watched = Object.assign(environment, {
    after(ms: number, callback: () => void) {
      timers.add(ms);
      const cancel = after(ms, callback);
      return () => {
        timers.delete(ms);
        cancel();
      };
    },
  });
  const { sse, source, states } = await open({ environment: watched });
  sse.now.ready();
  states.push = ({ name }) => {
    if (name === "behind") source.close();
    return 0;
  };
  sse.now.control("bye", { reason: "drain", retryMs: 90_000 });
  await environment.pass(0);
  expect(source.state).toEqual({ name: "ended", reason: "closed" });
  expect([...timers]).toEqual([]);
});
