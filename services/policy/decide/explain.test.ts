import { describe, expect, it, test } from "vitest";
import { parseDocument } from "../document/parse-document.ts";
import type { Question } from "../document/question-fields.ts";
import { decideQuestion } from "./decide-question.ts";
import { explain } from "./explain.ts";
import { compileSnapshot } from "./snapshot.ts";

const ACME = `
tenant: acme
roles:
  viewer: { allow: ["order:read"] }
  support: { inherits: [viewer], allow: ["ticket:*"], deny: ["ticket:delete"] }
  owner: { allow: ["order:read@order.*.{sub}"] }
  regional: { allow: [{ rule: "stock:read", when: "event.region in subject.regions" }] }
  teams: { allow: ["stock:read@stock.*.{team}"] }
  cheap: { allow: [{ rule: "stock:read", when: "event.price < 10" }] }
  shielded: { allow: ["stock:read"], deny: [{ rule: "stock:read", when: "event.level == 'high'" }] }
bindings:
  - { role: support, subjects: [alice, "group:ops"] }
  - { role: owner, subjects: [olaf] }
  - { role: regional, subjects: [rita] }
  - { role: shielded, subjects: [sam] }
  - { role: cheap, subjects: [cora] }
  - { role: viewer, subjects: [eve], until: 2026-01-01T00:00:00Z }
attributes:
  rita: { regions: [eu] }
events: { "order.*": order:read, "stock.*": stock:read }
routes:
  - { method: GET, path: "/orders/{id?}", permission: order:read, topics: ["order.*.{id}", "order.*"] }
`;

const { document } = parseDocument(ACME, "acme");
const snapshot = compileSnapshot({ number: 1, build: "b" }, document!, new Map([["hank", ["owner"]]]));
const NOW = Date.parse("2026-06-01T00:00:00Z");

const event = (topic: string, attributes: Record<string, string> = {}): Question => ({
  of: "event",
  topic,
  attributes,
});
const permission = (text: string): Question => ({ of: "permission", permission: text });
const get = (path: string): Question => ({ of: "request", method: "GET", path });
const why = (id: string, question: Question, { roles = [] as string[], groups = [] as string[] } = {}) =>
  explain(snapshot, { id, roles, groups }, question, NOW);

describe("an explanation", () => {
  test("has every rule that was considered, how its role was come by, and the one that won", () => {
    expect(why("alice", permission("ticket:delete"), { roles: ["viewer"], groups: ["ops"] })).toEqual({
      allow: false,
      permission: "ticket:delete",
      more: 0,
      topic: null,
      rule: { role: "support", effect: "deny", rule: "ticket:delete" },
      because: "it is about every topic",
      roles: [
        { role: "viewer", via: ["token", "inherited by support"] },
        { role: "support", via: ["bound by name", "bound to group:ops"] },
      ],
      considered: [
        {
          role: "support",
          via: ["bound by name", "bound to group:ops"],
          effect: "deny",
          rule: "ticket:delete",
          holds: true,
          because: "it is about every topic",
        },
        {
          role: "support",
          via: ["bound by name", "bound to group:ops"],
          effect: "allow",
          rule: "ticket:*",
          holds: true,
          because: "it is about every topic",
        },
      ],
    });
  });

  it.each([
    ["olaf", event("order.created.olaf"), true, "it is about order.*.olaf"],
    ["olaf", event("order.created.bob"), false, "it is about order.*.olaf, not about order.created.bob"],
    ["olaf", permission("order:read"), false, "it allows some events only, and every one is asked about"],
    ["hank", get("/orders/hank"), true, "it is about order.*.hank"],
    ["hank", get("/orders"), false, "it is about order.*.hank, not about order.*"],
    ["rita", event("stock.moved.1", { region: "eu" }), true, "it is about every topic, and its condition is met"],
    ["rita", event("stock.moved.1", { region: "us" }), false, "its condition is not met"],
    ["rita", event("stock.moved.1"), false, "its condition is not met: the event does not say region"],
    ["cora", event("stock.moved.1", { price: "9.5" }), true, "it is about every topic, and its condition is met"],
    [
      "cora",
      event("stock.moved.1", { price: "9 EUR" }),
      false,
      "its condition is not met: what the event says of price cannot be compared",
    ],
    ["sam", event("stock.moved.1"), false, "it is about every topic, and the event does not say level, which denies"],
    ["sam", permission("stock:read"), false, "it denies some events, and every one is asked about"],
  ])("for %s on %j: %s, because %s", (id, question, allow, because) => {
    const explanation = why(id, question);
    expect(explanation.allow).toBe(allow);
    expect(explanation.considered[0]?.because).toBe(because);
  });

  it.each([
    ["nobody", event("unknown.type"), "the event map has no permission for this type, which denies it to everybody"],
    ["nobody", get("/none"), "no route has this method and path, or the path can be read in two ways"],
    ["nobody", event("order.created"), "no rule of the subject's roles is about order:read"],
    ["eve", event("order.created"), "no rule of the subject's roles is about order:read"],
    ["olaf", event("order.created.bob"), "none of the subject's rules about order:read holds"],
  ])("for %s on %j without a rule says why: %s", (id, question, because) => {
    expect(why(id, question)).toMatchObject({ allow: false, rule: null, because });
  });

  test("tells what the subject lacks", () => {
    const [considered] = why("nobody", event("stock.moved.1"), { roles: ["teams"] }).considered;
    expect(considered?.because).toBe("the subject has no team");
  });

  test("decides as the question alone is decided", () => {
    const questions = [
      permission("order:read"),
      event("order.created.olaf"),
      event("stock.moved", { region: "eu", level: "low" }),
      get("/orders/olaf"),
      get("/orders"),
    ];
    for (const id of ["alice", "olaf", "hank", "rita", "sam", "eve"]) {
      for (const question of questions) {
        const { allow, rule } = why(id, question);
        expect(allow).toBe(decideQuestion(snapshot, { id, roles: [], groups: [] }, question, NOW));
        expect(rule?.effect === "allow").toBe(allow);
      }
    }
  });
});
