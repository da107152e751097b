import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EventCondition } from "#shared/contract/event-condition.ts";
import { patternCovers, patternsOverlap, topicMatches } from "#shared/protocol/topics.ts";
import { createResidual, type MaskedTopics, type TopicRules } from "./residual.ts";

const residualOf = (allow: string[], deny: string[], conditional: Partial<TopicRules> = {}) =>
  createResidual({ allow, deny, allowWhen: [], denyWhen: [], ...conditional });
const on = (topic: string, attributes = {}) => ({ topic, attributes });

describe("an event", () => {
  test("is let through where one pattern allows it and none denies it", () => {
    const residual = residualOf(["order.*.me", "ticket.>"], ["ticket.deleted.>"]);
    expect(residual.allows(on("order.created.me"))).toBe(true);
    expect(residual.allows(on("ticket.opened.7"))).toBe(true);
  });

  test("is denied in silence: where nothing allows it", () => {
    expect(residualOf([], []).allows(on("order.created"))).toBe(false);
    expect(residualOf(["order.*.me"], []).allows(on("order.created.you"))).toBe(false);
    expect(residualOf(["order.*"], []).allows(on("order.created.me"))).toBe(false);
  });

  test("is denied by one pattern, whatever allows it", () => {
    const residual = residualOf([">", "ticket.>", "ticket.deleted.7"], ["ticket.deleted.*"]);
    expect(residual.allows(on("ticket.deleted.7"))).toBe(false);
    expect(residual.allows(on("ticket.deleted"))).toBe(true);
  });

  test("is denied where everything is", () => {
    expect(residualOf([">"], [">"]).allows(on("order.created"))).toBe(false);
  });
});

describe("everything under a topic pattern", () => {
  const when: EventCondition = { kind: "oneOf", attribute: "ce-source", values: ["a"] };

  test("is allowed by one rule that covers it and has no condition", () => {
    const residual = residualOf(["order.*.me", "ticket.>"], [], { allowWhen: [{ pattern: "invoice.>", when }] });
    const wanted = [
      "order.*.me",
      "order.created.me",
      "ticket.>",
      "ticket.a.*",
      "order.>",
      "*.a.me",
      ">",
      "invoice.paid",
    ];
    expect(wanted.filter((pattern) => residual.allowsAllUnder(pattern))).toEqual(wanted.slice(0, 4));
    expect(residualOf([">"], []).allowsAllUnder(">")).toBe(true);
  });

  test("is not where some of it is denied, or may be under a condition", () => {
    expect(residualOf([">"], ["order.deleted.>"]).allowsAllUnder("order.*.7")).toBe(false);
    expect(residualOf([">"], ["order.deleted.>"]).allowsAllUnder("order.created.7")).toBe(true);
    expect(residualOf([">"], [], { denyWhen: [{ pattern: "order.*", when }] }).allowsAllUnder("order.>")).toBe(false);
  });
});

describe("a topic pattern", () => {
  test("is granted where something under it may be allowed", () => {
    const residual = residualOf(["order.*.me"], ["order.deleted.>"]);
    expect(residual.allowsUnder("order.>")).toBe(true);
    expect(residual.allowsUnder("order.created.me")).toBe(true);
    expect(residual.allowsUnder(">")).toBe(true);
  });

  test("is not granted where nothing under it is allowed", () => {
    const residual = residualOf(["order.*.me"], []);
    expect(residual.allowsUnder("order.*.you")).toBe(false);
    expect(residual.allowsUnder("order.*")).toBe(false);
    expect(residualOf([], []).allowsUnder(">")).toBe(false);
  });

  test("is not granted where all of it is denied", () => {
    const residual = residualOf([">"], ["order.deleted.>"]);
    expect(residual.allowsUnder("order.deleted.7")).toBe(false);
    expect(residual.allowsUnder("order.deleted.>")).toBe(false);
    expect(residual.allowsUnder("order.>")).toBe(true);
  });
});

describe("a mask", () => {
  const masked: MaskedTopics[] = [
    { mask: ["card"], allow: ["order.>"], allowWhen: [] },
    { mask: ["card", "email"], allow: ["order.*.7"], allowWhen: [] },
  ];

  test("is what an event passes without, where nothing lets it pass as a whole", () => {
    const residual = residualOf(["order.shipped"], ["order.deleted"], { masked });
    expect(residual.allows(on("order.created"))).toMatchObject({ key: "card", masks: 0b01 });
    expect(residual.allows(on("order.shipped"))).toBe(true);
    expect(residual.allows(on("order.deleted"))).toBe(false);
    expect(residual.allows(on("ticket.opened"))).toBe(false);
  });

  test("is all that let it pass, together", () => {
    expect(residualOf([], [], { masked }).allows(on("order.created.7"))).toMatchObject({ masks: 0b11 });
  });

  test("grants the topics under which it lets something pass", () => {
    const residual = residualOf([], ["order.deleted"], { masked });
    expect(residual.allowsUnder("order.*")).toBe(true);
    expect(residual.allowsUnder("order.deleted")).toBe(false);
    expect(residual.allowsUnder("ticket.>")).toBe(false);
  });
});

describe("a condition", () => {
  const inEurope: EventCondition = { kind: "oneOf", attribute: "ce-region", values: ["eu", "uk"] };
  const notLow: EventCondition = { kind: "noneOf", attribute: "ce-level", values: ["low"] };
  const ownerIsAuthor: EventCondition = { kind: "same", attribute: "ce-owner", other: "ce-author" };
  const pattern = "order.>";

  test("allows the events that meet it, and none that do not say", () => {
    const residual = residualOf([], [], { allowWhen: [{ pattern, when: inEurope }] });
    expect(residual.allows(on("order.created", { "ce-region": "uk" }))).toBe(true);
    expect(residual.allows(on("order.created", { "ce-region": "us" }))).toBe(false);
    expect(residual.allows(on("order.created", { region: "uk" }))).toBe(false);
    expect(residual.allows(on("ticket.created", { "ce-region": "uk" }))).toBe(false);
  });

  test("denies the events that meet it, and all that do not say", () => {
    const residual = residualOf([">"], [], { denyWhen: [{ pattern, when: notLow }] });
    expect(residual.allows(on("order.created", { "ce-level": "low" }))).toBe(true);
    expect(residual.allows(on("order.created", { "ce-level": "high" }))).toBe(false);
    expect(residual.allows(on("order.created"))).toBe(false);
    expect(residual.allows(on("ticket.created"))).toBe(true);
  });

  test.each([
    ["all", { "ce-region": "eu", "ce-level": "high" }, true],
    ["all", { "ce-region": "eu", "ce-level": "low" }, false],
    ["all", { "ce-region": "eu" }, false],
    ["any", { "ce-region": "us", "ce-level": "high" }, true],
    ["any", { "ce-region": "us", "ce-level": "low" }, false],
    ["any", { "ce-region": "eu" }, true],
  ] as const)("of %s of several is met on %j: %s", (kind, attributes, met) => {
    const when: EventCondition = { kind, conditions: [inEurope, notLow] };
    expect(residualOf([], [], { allowWhen: [{ pattern, when }] }).allows(on("order.created", attributes))).toBe(met);
  });

  test("may compare two headers", () => {
    const same = residualOf([], [], { allowWhen: [{ pattern, when: ownerIsAuthor }] });
    const other = residualOf([], [], { allowWhen: [{ pattern, when: { ...ownerIsAuthor, kind: "different" } }] });
    const both = on("order.created", { "ce-owner": "a", "ce-author": "a" });
    expect([same.allows(both), other.allows(both)]).toEqual([true, false]);
    const one = on("order.created", { "ce-owner": "a" });
    expect([same.allows(one), other.allows(one)]).toEqual([false, false]);
  });

  test.each([
    [{ kind: "compare", attribute: "ce-n", operator: "<", type: "number", value: "1000" }, "999.5", "1000", "1,000"],
    [{ kind: "compare", attribute: "ce-n", operator: "!=", type: "number", value: "1" }, "2", "1.0", "one"],
    [
      { kind: "compare", attribute: "ce-n", operator: ">=", type: "time", value: "2026-01-01T00:00:00Z" },
      "2026-01-01T01:00:00+01:00",
      "2025-12-31T23:59:59.9Z",
      "2026-01-01",
    ],
    [{ kind: "compare", attribute: "ce-n", operator: "==", type: "boolean", value: "true" }, "true", "false", "yes"],
    [{ kind: "inRange", attribute: "ce-n", values: ["10.0.0.0/8", "::1/128"] }, "::1", "11.0.0.1", "10.1"],
    [{ kind: "notInRange", attribute: "ce-n", values: ["10.0.0.0/8"] }, "11.0.0.1", "10.0.0.1", "10.0.0.1:80"],
  ] as const)("%j is met by %s, not by %s, and not known of %s", (when, met, unmet, unknown) => {
    const allowing = residualOf([], [], { allowWhen: [{ pattern, when }] });
    const denying = residualOf([">"], [], { denyWhen: [{ pattern, when }] });
    const answers = [met, unmet, unknown].map((value) => on("order.created", { "ce-n": value }));
    expect(answers.map((event) => allowing.allows(event))).toEqual([true, false, false]);
    expect(answers.map((event) => denying.allows(event))).toEqual([false, true, false]);
  });

  test("that many patterns share is asked once for an event", () => {
    const patterns = ["order.created", "order.*", "*.created", "*.*", "order.>"];
    const allowWhen = patterns.map((each) => ({ pattern: each, when: structuredClone(inEurope) }));
    let asked = 0;
    const attributes = {
      get "ce-region"() {
        asked += 1;
        return "asia";
      },
    };
    expect(residualOf([], [], { allowWhen }).allows(on("order.created", attributes))).toBe(false);
    expect(asked).toBe(1);
  });

  test("leaves it open whether anything under a pattern may be seen", () => {
    const residual = residualOf([], [], { allowWhen: [{ pattern, when: inEurope }] });
    expect(residual.allowsUnder("order.created")).toBe(true);
    expect(residual.allowsUnder("ticket.>")).toBe(false);
    const denied = residualOf([">"], [], { denyWhen: [{ pattern: ">", when: inEurope }] });
    expect(denied.allowsUnder("order.created")).toBe(true);
  });
});

describe("compiled rules", () => {
  const token = fc.constantFrom("a", "b", "c");
  const topic = fc.array(token, { minLength: 2, maxLength: 4 }).map((tokens) => tokens.join("."));
  const pattern = fc
    .tuple(fc.array(fc.oneof(token, fc.constant("*")), { maxLength: 3 }), fc.constantFrom("a", "b", "*", ">"))
    .map(([tokens, last]) => [...tokens, last].join("."));
  const patterns = fc.array(pattern, { maxLength: 8 });

  test("decide as looking at every pattern does", () => {
    fc.assert(
      fc.property(patterns, patterns, patterns, topic, pattern, (allow, deny, sometimes, wanted, under) => {
        const when: EventCondition = { kind: "oneOf", attribute: "ce-region", values: ["eu"] };
        const allowWhen = sometimes.map((each) => ({ pattern: each, when }));
        const residual = residualOf(allow, deny, { allowWhen });
        const isDenied = deny.some((each) => topicMatches(each, wanted));
        const allowed = [...allow, ...sometimes];
        expect(residual.allows(on(wanted))).toBe(!isDenied && allow.some((each) => topicMatches(each, wanted)));
        expect(residual.allows(on(wanted, { "ce-region": "eu" }))).toBe(
          !isDenied && allowed.some((each) => topicMatches(each, wanted)),
        );
        expect(residual.allowsUnder(under)).toBe(
          !deny.some((each) => patternCovers(each, under)) && allowed.some((each) => patternsOverlap(each, under)),
        );
      }),
      { numRuns: 500 },
    );
  });
});
