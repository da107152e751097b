import { expect, test } from "vitest";
import { createFakeEnvironment } from "../../test/rigs/fake-environment.ts";
import { connectIn } from "./connect.ts";
import type { StreamOptions } from "./options.ts";

const IGNORE = { onGap: "ignore", onReset: "ignore", onDegraded: "ignore" } as const;

/**
 * The paths that a stream asks for, behind a proxy that knows none of them, until they are enough. What a stream loads only where it
 * needs it takes real time.
 */
async function pathsOf(
  options: Partial<StreamOptions>,
  isEnough: (paths: readonly string[]) => boolean,
): Promise<string[]> {
  const asked: string[] = [];
  const environment = createFakeEnvironment({
    fetch: async (url) => {
      asked.push(url.replace("https://edge.test", ""));
      return new Response("", { status: 405 });
    },
  });
  const stream = connectIn(environment, { url: "https://edge.test//", ...IGNORE, ...options });
  while (!isEnough(asked)) await environment.pass(500);
  stream.close();
  return asked;
}

const hasAny = (paths: readonly string[]): boolean => paths.length > 0;
const hasPolled = (paths: readonly string[]): boolean => paths.some((path) => path.startsWith("/v1/poll?"));

test("a stream asks for what its options say", async () => {
  const [first] = await pathsOf({ topics: ["a.>", "b"], client: "tab-1", presence: ["a"], from: "earliest" }, hasAny);
  expect(first).toBe("/v1/stream?topic=a.%3E&topic=b&presence=a&client=tab-1&from=earliest&format=cloudevents");
});

test("a stream without a road polls at last, and a durable subscription never does", async () => {
  const paths = await pathsOf({ topics: ["a"] }, hasPolled);
  const durable = await pathsOf({ subscription: "mine" }, ({ length }) => length > 2 * paths.length);
  expect(new Set(durable.map((path) => path.split("?")[0]))).toEqual(new Set(["/v1/stream"]));
});

test.each([
  ["gap", { onGap: undefined }],
  ["reset", { onReset: undefined }],
  ["degraded", { onDegraded: undefined }],
])("a page without types that forgets to decide about %s is told so", (name, forgotten) => {
  const given = { url: "https://edge.test", topics: ["a"], ...IGNORE, ...forgotten } as unknown as StreamOptions;
  expect(() => connectIn(createFakeEnvironment(), given)).toThrow(`decide about ${name}`);
});

test.each([
  [["websocket"], {}],
  [["poll"], { subscription: "mine" }],
] as const)(
  "a program that can take none of the roads %j is told so, and none that it was not given is taken",
  (transports, more) => {
    const given = { url: "https://edge.test", ...IGNORE, transports, ...more };
    const node20 = { ...createFakeEnvironment(), openSocket: undefined };
    expect(() => connectIn(node20, given)).toThrow(`cannot take ${transports[0]}`);
  },
);
