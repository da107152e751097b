import { expect, test } from "vitest";
import type { Entry } from "#test/support/checker/ledger.ts";
import { mayReset, owedTo } from "./owed-to.ts";

function stored(text: string, sequence: number, topic = "issues.opened.k", tenant = "demo"): Entry[] {
  return [
    { of: "published", tenant, topic, text, at: 1 },
    { of: "acknowledged", text, sequence, at: 2 },
  ];
}

test("a subscription is owed the tenant's issues that were acknowledged, up to the last one", () => {
  const ledger = [
    ...stored("one", 5),
    ...stored("a push", 6, "push.event.k"),
    ...stored("another's", 7, "issues.opened.k", "rival"),
    ...stored("last", 8),
    ...stored("later", 9),
  ];
  const owed = owedTo(ledger, { tenant: "demo", last: "last", resetAt: 0 });
  expect(owed.map((moment) => "text" in moment && moment.text)).toEqual(["one", "last"]);
});

test("it is not owed what a reset told as lost, and all behind that", () => {
  const ledger = [...stored("lost", 5), ...stored("kept", 6), ...stored("last", 7)];
  const owed = owedTo(ledger, { tenant: "demo", last: "last", resetAt: 5 });
  expect(owed.map((moment) => "text" in moment && moment.text)).toEqual(["kept", "last"]);
});

test("a reset excuses nothing but where a fault of the tenant has caused it, until everybody is served again", () => {
  const cause = { of: "cause", tenant: "demo", event: "reset", reason: "tail_lost", at: 1 } as const;
  expect(mayReset([], "demo")).toBe(false);
  expect(mayReset([cause], "demo")).toBe(true);
  expect(mayReset([cause], "rival")).toBe(false);
  expect(mayReset([{ ...cause, event: "gap" }], "demo")).toBe(false);
  expect(mayReset([cause, { of: "settled", at: 2 }], "demo")).toBe(false);
});
