import { expect, test } from "vitest";
import { findImports, isTest, readSources } from "./read-sources.ts";

const STREAM = "services/stream/";

/** The edge from the top down. A file may import from its own floor and from those below. */
const FLOORS: readonly (readonly string[])[] = [
  ["main.ts", "workers/main.ts"],
  ["app.ts"],
  // What runs whole edges as its workers deals in their settings, and is no door of one.
  ["config.ts", "workers/"],
  ["http/", "bus/", "grpc/"],
  ["open-stream.ts", "deliver.ts"],
  ["audience/"],
  ["log/", "sse/", "authorization/", "subscription/", "admission/", "presence/", "metrics.ts"],
  ["event.ts"],
];

const sources = readSources(STREAM).filter((source) => !isTest(source));

test("every file of the edge stands on a floor", () => {
  expect(sources.map(({ path }) => path).filter((path) => floorOf(path) === -1)).toEqual([]);
});

test("the edge imports only downwards: main, app, doors, ways, audience, ground, event", () => {
  const wrong = findImports(sources, ({ path }, { file }) => {
    if (file === undefined || !file.startsWith(STREAM)) return false;
    return floorOf(file) < floorOf(path);
  });
  expect(wrong).toEqual([]);
});

test("each of the two ways is one file, and neither imports the other", () => {
  const ways = FLOORS[4]?.map((name) => STREAM + name) ?? [];
  const wrong = findImports(sources, ({ path }, { file = "" }) => ways.includes(path) && ways.includes(file));
  expect(wrong).toEqual([]);
});

test("a request and a response stay at the doors", () => {
  const below = sources.filter(({ path }) => floorOf(path) >= 4 && !path.startsWith(`${STREAM}sse/`));
  const wrong = below.filter(({ text }) => /\b(IncomingMessage|ServerResponse)\b/.test(text));
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

function floorOf(path: string): number {
  const name = path.slice(STREAM.length);
  return FLOORS.findIndex((floor) =>
    floor.some((each) => (each.endsWith("/") ? name.startsWith(each) : name === each)),
  );
}
