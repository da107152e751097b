import { expect, test } from "vitest";
import { hasLostMessages } from "./has-lost-messages.ts";

test.each([
  ["nothing happened", { first: 1, missing: 0 }, { first: 1, missing: 0 }, false],
  ["there are holes from before", { first: 1, missing: 3 }, { first: 1, missing: 3 }, false],
  ["a message is missing", { first: 1, missing: 0 }, { first: 1, missing: 1 }, true],
  ["one more is missing", { first: 1, missing: 3 }, { first: 1, missing: 4 }, true],
  ["the log dropped its oldest", { first: 1, missing: 0 }, { first: 9, missing: 0 }, false],
  ["the log dropped its oldest, and a message is missing", { first: 1, missing: 0 }, { first: 9, missing: 1 }, true],
  ["the log dropped its oldest, with every hole", { first: 1, missing: 3 }, { first: 9, missing: 0 }, false],
  ["old holes may have dropped off while others came", { first: 1, missing: 3 }, { first: 9, missing: 3 }, true],
])("where %s: %o, %o: %s", (_, before, now, isLost) => {
  const counts = ({ first, missing }: typeof before) => ({ first_seq: first, num_deleted: missing });
  expect(hasLostMessages(counts(before), counts(now))).toBe(isLost);
});
