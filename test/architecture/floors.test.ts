import { describe, expect, test } from "vitest";
import { findImports, isTest, readSources, type Source } from "./read-sources.ts";

/** A service from the top down. A file may import from its own floor and from those below. */
type Floors = readonly (readonly string[])[];

const FLOORS: Readonly<Record<string, Floors>> = {
  shared: [
    ["clients/"],
    ["http/", "grpc/", "nats/", "redis/", "tokens/"],
    ["limits/", "trace/"],
    ["tls/", "log/", "metrics/", "lifecycle/"],
    ["files/", "async/", "config/", "work/"],
    ["contract/", "errors/", "json/", "time/"],
    ["protocol/"],
  ],
  auth: [
    ["main.ts"],
    ["app.ts"],
    ["config.ts"],
    ["http/", "grpc/", "bus/", "clients/"],
    ["sessions/"],
    ["tokens/", "users/"],
    ["keys/"],
    ["audit/", "metrics.ts"],
  ],
  client: [
    ["client.ts", "frameworks/", "regions/", "testing/", "tsdown.config.ts"],
    ["connect.ts"],
    ["follow-stream.ts", "tabs/"],
    ["sluice-stream.ts", "event-queue.ts", "read-event.ts", "kept-id.ts"],
    ["calls/"],
    ["open-source.ts", "movable-source.ts"],
    ["connection.ts", "stream-life.ts"],
    ["state-machine.ts"],
    ["reports/"],
    ["roads/", "credentials/"],
    ["environment/", "back-off.ts", "cursor.ts"],
    ["control.ts", "source.ts"],
    ["options.ts", "stream-ended-error.ts"],
    ["stream-event.ts", "stream-state.ts"],
  ],
  console: [
    ["main.tsx", "vite.config.ts"],
    ["app.tsx"],
    ["shell/"],
    ["screens.ts"],
    ["screens/"],
    ["producers/"],
    ["parts/"],
    ["context/"],
    ["session/", "router/"],
    ["http/"],
    ["styles/"],
  ],
  policy: [
    ["main.ts"],
    ["app.ts"],
    ["app/"],
    ["config.ts"],
    ["http/", "grpc/", "watch/", "clients/", "store/", "bus/"],
    ["tenants/"],
    [
      "change-policy.ts",
      "erase-events.ts",
      "authorize-request.ts",
      "explain-event.ts",
      "tail-events.ts",
      "inspect-event.ts",
    ],
    ["tail/", "explain/", "subscriptions/", "live/"],
    ["changes/", "events/", "access/", "edges/"],
    ["sessions/", "versions/"],
    ["decide/"],
    ["document/", "limits/"],
    ["metrics.ts", "work/"],
  ],
  publish: [
    ["main.ts"],
    ["app.ts"],
    ["config.ts"],
    ["http/", "bus/", "clients/"],
    ["publish-events.ts"],
    ["trace-publishing.ts"],
    ["access/", "schemas/", "quotas/"],
    ["events/"],
    ["metrics.ts"],
  ],
  stream: [
    ["main.ts", "workers/main.ts"],
    ["app.ts"],
    ["app/"],
    // What runs whole edges as its workers deals in their settings, and is no door of one.
    ["config.ts", "workers/"],
    ["http/", "bus/", "clients/", "webhooks/"],
    [
      "open-stream.ts",
      "open-webhook.ts",
      "deliver.ts",
      "call-connection.ts",
      "ask-presence.ts",
      "manage-subscription.ts",
    ],
    ["connections/"],
    ["audiences/"],
    ["access/"],
    [
      "log/",
      "sse/",
      "websocket/",
      "frames/",
      "subscription/",
      "admission/",
      "overload/",
      "presence/",
      "durable/",
      "observe/",
      "transports/",
    ],
    ["event.ts", "turns/"],
  ],
};

/** The files that are a way each, from its beginning to its end. */
const WAYS: Readonly<Record<string, readonly string[]>> = {
  policy: [
    "change-policy.ts",
    "erase-events.ts",
    "authorize-request.ts",
    "explain-event.ts",
    "tail-events.ts",
    "inspect-event.ts",
  ],
  publish: ["publish-events.ts"],
  stream: [
    "open-stream.ts",
    "open-webhook.ts",
    "deliver.ts",
    "call-connection.ts",
    "ask-presence.ts",
    "manage-subscription.ts",
  ],
};

describe.each(Object.entries(FLOORS))("services/%s", (service, floors) => {
  const root = `services/${service}/`;
  const sources = readSources(root).filter((source) => !isTest(source));

  test("every file stands on a floor", () => {
    expect(sources.map(({ path }) => path).filter((path) => floorOf(floors, root, path) === -1)).toEqual([]);
  });

  test("files import only downwards", () => {
    const wrong = findImports(sources, ({ path }, { file }) => {
      if (file === undefined || !file.startsWith(root)) return false;
      return floorOf(floors, root, file) < floorOf(floors, root, path);
    });
    expect(wrong).toEqual([]);
  });

  test("each way is one file, and none imports another", () => {
    const ways = (WAYS[service] ?? []).map((name) => root + name);
    const wrong = findImports(sources, ({ path }, { file = "" }) => ways.includes(path) && ways.includes(file));
    expect(wrong).toEqual([]);
  });
});

test("the protocol imports nothing but itself, and nothing in it is Node's: pages embed it", () => {
  const protocol = readSources("services/shared/protocol/").filter((source) => !isTest(source));
  const wrong = findImports(protocol, (_, { specifier }) => !specifier.startsWith("./"));
  expect(wrong).toEqual([]);
  expect(protocol.filter(({ text }) => /\b(Buffer|process|NodeJS)\b/.test(text)).map(({ path }) => path)).toEqual([]);
});

test("a request and a response stay at the edge's doors", () => {
  const root = "services/stream/";
  const floors = FLOORS["stream"] ?? [];
  const doors = floorOf(floors, root, `${root}http/`);
  const isBelow = ({ path }: Source): boolean => floorOf(floors, root, path) > doors && !path.startsWith(`${root}sse/`);
  const below = readSources(root).filter((source) => !isTest(source) && isBelow(source));
  const wrong = below.filter(({ text }) => /\b(IncomingMessage|ServerResponse)\b/.test(text));
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

function floorOf(floors: Floors, root: string, path: string): number {
  const name = path.slice(root.length);
  return floors.findIndex((floor) =>
    floor.some((each) => (each.endsWith("/") ? name.startsWith(each) : name === each)),
  );
}
