import { describe, expect, test } from "vitest";
import { parseWish, wishSchema } from "./parse-wish.ts";

const MONTH = 30 * 86_400;
const DELIVER = { url: "https://hooks.example.com/", secretRef: "hook" };

const parse = (body: object) => parseWish(wishSchema.parse({ topics: ["order.>"], ...body }), MONTH).definition;

describe("a wish", () => {
  test("for a stream has a few deliveries soon, and for a callback more of them over a day", () => {
    expect(parse({})).toMatchObject({ backoffMs: [], maxDeliver: 5 });
    const { backoffMs, maxDeliver, deliver } = parse({ deliver: DELIVER });
    expect([backoffMs.length, maxDeliver, deliver]).toEqual([7, 8, DELIVER]);
    expect(backoffMs.reduce((sum, ms) => sum + ms)).toBeGreaterThan(20 * 3_600_000);
    expect(parse({ deliver: DELIVER, backoffMs: [100], maxDeliver: 2 })).toMatchObject({
      backoffMs: [100],
      maxDeliver: 2,
    });
  });

  test.each([
    { url: "https://hooks.example.com/" },
    { ...DELIVER, secretRef: "two words" },
    { ...DELIVER, scope: "order:read" },
    { ...DELIVER, url: `https://${"a".repeat(2_048)}` },
  ])("has no callback such as %j", (deliver) => {
    expect(wishSchema.safeParse({ topics: ["order.>"], deliver }).success).toBe(false);
  });
});
