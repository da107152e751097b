import { afterAll, beforeAll, expect, test } from "vitest";
import { listPages, placeOf, readBlocks } from "./read-blocks.ts";
import { runPage } from "./run-page.ts";
import { type Demo, startDemo } from "./start-demo.ts";

const blocks = readBlocks(listPages());
const commands = blocks.filter(({ language }) => language === "sh");
const followed = Map.groupBy(blocks, ({ page }) => page);
const pages = [...followed.keys()].filter((page) =>
  commands.some((block) => block.page === page && block.mark !== undefined && block.mark.kind !== "not run"),
);

let demo: Demo;

beforeAll(async () => {
  demo = await startDemo();
});
afterAll(() => demo[Symbol.asyncDispose]());

test("each block of commands says how it is run, or why it is not", () => {
  const unsaid = commands.filter(({ mark }) => mark === undefined).map(placeOf);
  expect(unsaid, "before the block: <!-- run: stack -->, <!-- run: until TEXT --> or <!-- not run: why -->").toEqual(
    [],
  );
});

// First what others begin with, which publishes and takes roles away for a moment; and what has the bus read its configuration anew:
// meanwhile it refuses calls.
const FIRST = ["README.md", "docs/start.md", "docs/guides/producers-on-the-bus.md"];
const follow = (page: string): Promise<void> => runPage(demo, followed.get(page) ?? []);

test.each(pages.filter((page) => FIRST.includes(page)))("the commands of %s work on the demo", follow, 120_000);

// The rest wait for servers more than they work.
test.concurrent.each(pages.filter((page) => !FIRST.includes(page)))(
  "the commands of %s work on the demo",
  follow,
  120_000,
);
