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
        ],
      },
    },
  ]);
});

test.each([[undefined], [{ kind: undefined }]])(
  "a condition that this release does not know is no answer: %j",
  (when) => {
    expect(() => decodeResidual({ ...PLAIN, denyWhen: [{ pattern: ">", when }] })).toThrow("does not know");
  },
);
