import { afterEach, expect, test } from "vitest";
import { waitFor } from "../../../test/support/wait.ts";
import { createFakeEnvironment } from "../../../test/rigs/fake-environment.ts";
import { connectIn } from "../connect.ts";
import type { SluiceStream } from "../sluice-stream.ts";

const open: SluiceStream[] = [];
afterEach(() => {
  for (const stream of open.splice(0)) stream.close();
});

const IGNORE = { onGap: "ignore", onReset: "ignore", onDegraded: "ignore" } as const;

/** An edge behind a network that passes polls alone: the connection of a poll is over with its answer. */
function openPolls(client: string | undefined) {
  const polled: string[][] = [];
  const environment = createFakeEnvironment({
    async fetch(target, init) {
      const { pathname, searchParams } = new URL(target);
      if (pathname !== "/v1/poll") {
        const problem = { status: 404, code: "not_found", detail: "there is no such connection" };
        return Response.json(problem, { status: 404, headers: { "content-type": "application/problem+json" } });
      }
      const topics = searchParams.getAll("topic");
      polled.push(topics);
      // The first one of a stream is answered at once, the next one when something comes, which is never.
      if (searchParams.get("wait") !== "0") {
        await new Promise((resolve) => init.signal?.addEventListener("abort", resolve));
        throw new DOMException("left", "AbortError");
      }
      const ready = { connectionId: `c-${polled.length}`, topics: topics.map((topic) => ({ topic, granted: true })) };
      return Response.json({ frames: [{ event: "ready", data: JSON.stringify(ready) }], next: "epoch-one.1.t1" });
    },
  });
  const stream = connectIn(environment, {
    url: "https://edge.test",
    topics: ["order.>"],
    token: "secret",
    transports: ["poll"],
    ...(client !== undefined && { client }),
    ...IGNORE,
  });
  open.push(stream);
  return { stream, environment, polled };
}

test.each([undefined, "tab-1"])("topics of polls change in what the next one asks for: client %s", async (client) => {
  const { stream, environment, polled } = openPolls(client);
  for (const change of [
    ["subscribe", "invoice.>"],
    ["unsubscribe", "order.>"],
  ] as const) {
    let answer: unknown;
    void stream[change[0]]([change[1]]).then(
      (made) => (answer = made),
      (error: unknown) => (answer = error),
    );
    await waitFor("an answer", async () => {
      await environment.pass(100);
      return answer !== undefined;
    });
    expect(answer).toMatchObject({ topics: polled.at(-1)?.map((topic) => ({ topic, granted: true })) });
  }
  expect(polled.map((topics) => topics.join(" "))).toEqual(
    expect.arrayContaining(["order.>", "order.> invoice.>", "invoice.>"]),
  );
});
