import { expect, test } from "vitest";
import { closeUnreleased } from "./close-unreleased.ts";

test("what was unreleased stands under its version, and Unreleased is empty above it", () => {
  expect(
    closeUnreleased("# Log\n\n## Unreleased\n\n- A.\n\n## 1.0.0 - 2026-01-01\n\n- B.\n", "1.1.0", "2026-02-03"),
  ).toBe("# Log\n\n## Unreleased\n\n## 1.1.0 - 2026-02-03\n\n- A.\n\n## 1.0.0 - 2026-01-01\n\n- B.\n");
});

test("a part without a line gets the one it is given", () => {
  expect(closeUnreleased("## Unreleased\n\n## 1.0.0 - 2026-01-01\n", "1.1.0", "2026-02-03", "- Nothing.")).toBe(
    "## Unreleased\n\n## 1.1.0 - 2026-02-03\n\n- Nothing.\n\n## 1.0.0 - 2026-01-01\n",
  );
});

test.each([
  { case: "nothing is unreleased", log: "## Unreleased\n\n## 1.0.0 - 2026-01-01\n", says: "says nothing" },
  { case: "there is no such part", log: "# Log\n", says: "one part" },
  { case: "the version was released", log: "## Unreleased\n\n- A.\n\n## 1.1.0 - 2026-01-01\n", says: "already" },
])("a release is refused where $case", ({ log, says }) => {
  expect(() => closeUnreleased(log, "1.1.0", "2026-02-03")).toThrow(says);
});
