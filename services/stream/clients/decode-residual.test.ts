import { expect, test } from "vitest";
import { type EventCondition, Residual } from "#proto/policy/v1/decision.ts";
import { decodeResidual } from "./decode-residual.ts";

const RULES = { allow: [">"], deny: ["order.hidden"], allowWhen: [], denyWhen: [] };
const PLAIN: Residual = { ...RULES, masked: [] };

test("a residual without conditions is what policy wrote", () => {
  expect(decodeResidual(PLAIN)).toEqual(RULES);
});

test("a masked part keeps its fields, and one that this edge cannot read is not believed", () => {
  const masked = [{ mask: ["customer.email", "lines.*.a%2Eb"], allow: ["order.>"], allowWhen: [] }];
  const written = Residual.encode({ ...PLAIN, masked }).finish();
  expect(decodeResidual(Residual.decode(written)).masked).toEqual(masked);
  for (const mask of [[], ["customer..email"], ["a.[0]"], ["a%2eb"]]) {
    const unknown = { ...PLAIN, masked: [{ mask, allow: [">"], allowWhen: [] }] };
    expect(() => decodeResidual(unknown)).toThrow("a mask that this edge does not know");
  }
});

test("a condition names the headers of the event's attributes", () => {
  const conditions: EventCondition[] = [
    { kind: { $case: "oneOf", value: { attribute: "region", values: ["eu"] } } },
    { kind: { $case: "different", value: { attribute: "owner", other: "author" } } },
    { kind: { $case: "inRange", value: { attribute: "ip", values: ["10.0.0.0/8"] } } },
    { kind: { $case: "notEndsWith", value: { attribute: "path", values: [".js"] } } },
    { kind: { $case: "compare", value: { attribute: "amount", operator: "<", type: "number", value: "10" } } },
    { kind: { $case: "order", value: { attribute: "from", operator: ">=", other: "to" } } },
  ];
  const when: EventCondition = { kind: { $case: "all", value: { conditions } } };
  const written = Residual.encode({ ...PLAIN, denyWhen: [{ pattern: "order.*", when }] }).finish();
  expect(decodeResidual(Residual.decode(written)).denyWhen).toEqual([
    {
      pattern: "order.*",
      when: {
        kind: "all",
        conditions: [
          { kind: "oneOf", attribute: "ce-region", values: ["eu"] },
          { kind: "different", attribute: "ce-owner", other: "ce-author" },
          { kind: "inRange", attribute: "ce-ip", values: ["10.0.0.0/8"] },
          { kind: "notEndsWith", attribute: "ce-path", values: [".js"] },
          { kind: "compare", attribute: "ce-amount", operator: "<", type: "number", value: "10" },
          { kind: "order", attribute: "ce-from", operator: ">=", other: "ce-to" },
        ],
      },
    },
  ]);
});

const unreadable: Array<EventCondition | undefined> = [
  undefined,
  { kind: undefined },
  { kind: { $case: "inRange", value: { attribute: "ip", values: ["10.0.0.0/8", "all"] } } },
  { kind: { $case: "compare", value: { attribute: "a", operator: "=~", type: "number", value: "10" } } },
  { kind: { $case: "compare", value: { attribute: "a", operator: "<", type: "text", value: "10" } } },
  { kind: { $case: "compare", value: { attribute: "a", operator: "<", type: "time", value: "10" } } },
  { kind: { $case: "order", value: { attribute: "a", operator: "", other: "b" } } },
];

test.each(unreadable.map((when) => [when]))("a condition that this release does not know is no answer: %j", (when) => {
  expect(() => decodeResidual({ ...PLAIN, denyWhen: [{ pattern: ">", when }] })).toThrow("does not know");
});
