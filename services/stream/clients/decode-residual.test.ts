import { expect, test } from "vitest";
import { type EventCondition, Residual } from "#proto/policy/v1/decision.ts";
import { decodeResidual } from "./decode-residual.ts";

const PLAIN: Residual = { allow: [">"], deny: ["order.hidden"], allowWhen: [], denyWhen: [] };

test("a residual without conditions is what policy wrote", () => {
  expect(decodeResidual(PLAIN)).toEqual(PLAIN);
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
