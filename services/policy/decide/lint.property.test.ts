import fc from "fast-check";
import { describe, it } from "vitest";
import { amountOf } from "#test/soak/amount.ts";
import { parseDocument } from "../document/parse-document.ts";
import { unreachableRules } from "../document/unreachable-rules.ts";
import { decide } from "./decide.ts";
import { effectsOf } from "./effect-diff.ts";
import type { DecidedEvent } from "./fill-rule.ts";
import { decodeGrant } from "./grant.ts";
import { resolveSubject } from "./resolve-subject.ts";
import { compileSnapshot, type WholeSnapshot } from "./snapshot.ts";

const RUNS = { numRuns: amountOf("policies", 150) };

const permissions = ["a:b", "a:c", "a:b:c", "d:b"];
const rule = fc
  .tuple(
    fc.constantFrom(...permissions, "a:*", "*:b", "*:*", "a:b:*"),
    fc.constantFrom("", "@x.*", "@x.y", "@x.{sub}", "@x.{team}", "@>", "@x.y.>"),
    fc.constantFrom(
      undefined,
      "event.k == 'v'",
      "event.k in subject.team",
      "subject.team == 'v'",
      "event.k < 5",
      "event.k < 5.0",
      "not event.k startsWith 'v'",
      "event.k in 10.0.0.0/8",
      "event.k in [1, 2]",
    ),
  )
  .map(([permission, topic, when]) => (when === undefined ? permission + topic : { rule: permission + topic, when }));
const rules = fc.array(rule, { maxLength: 4 });
const role = (inherits: string[]) => fc.record({ inherits: fc.constant(inherits), allow: rules, deny: rules });
const policy = fc.record({
  roles: fc.record({ p: role([]), q: role(["p"]), r: role(["p", "q"]) }),
  bindings: fc.subarray([
    { role: "p", subjects: ["alice"] },
    { role: "q", subjects: ["bob", "alice"] },
    { role: "r", subjects: ["carol"] },
  ]),
  attributes: fc.constant({ alice: { team: ["v", "y"] }, bob: { team: "w" } }),
});

const subjects = ["alice", "bob", "carol", "dave"].flatMap((id) =>
  [[], ["p"], ["r"]].map((roles) => ({ id, roles, groups: [] })),
);
const events: Array<DecidedEvent | undefined> = [
  undefined,
  ...["x.y", "x.v", "x.alice", "x.y.z", "z.z"].flatMap((topic) =>
    [{}, { k: "v" }, { k: "w" }, { k: "1" }, { k: "5" }, { k: "10.0.0.1" }].map((attributes) => ({
      topic,
      attributes,
    })),
  ),
];

function compile(policyValue: object): WholeSnapshot {
  const parsed = parseDocument(JSON.stringify({ tenant: "acme", ...policyValue }), "acme");
  if (parsed.document === undefined) throw new Error(JSON.stringify(parsed.faults));
  return compileSnapshot({ number: 1, build: "b" }, parsed.document, new Map());
}

/** All that a policy decides about one subject. */
function decisionsOf(snapshot: WholeSnapshot, subject: (typeof subjects)[number]): string {
  const grant = decodeGrant(snapshot, resolveSubject(snapshot, subject, 0).id);
  const answers = permissions.flatMap((permission) =>
    events.map((event) => decide(snapshot, grant, permission, event)),
  );
  return answers.map((allow) => (allow ? "1" : "0")).join("");
}

describe("what is told about rules is true", () => {
  it("without the rules that lint calls unreachable, a policy decides the same", () => {
    fc.assert(
      fc.property(policy, (value) => {
        const snapshot = compile(value);
        const places = new Set(unreachableRules(snapshot.document).map(({ path }) => path.join(".")));
        const roles = Object.fromEntries(
          Object.entries(value.roles).map(([name, { inherits, allow, deny }]) => {
            const kept = (effect: string, all: typeof allow) =>
              all.filter((_, index) => !places.has(["roles", name, effect, index].join(".")));
            return [name, { inherits, allow: kept("allow", allow), deny: kept("deny", deny) }];
          }),
        );
        const shorter = compile({ ...value, roles });
        return subjects.every((subject) => decisionsOf(snapshot, subject) === decisionsOf(shorter, subject));
      }),
      RUNS,
    );
  });

  it("nobody gains or loses anything without being told", () => {
    fc.assert(
      fc.property(policy, rules, rules, (value, allow, deny) => {
        const q = { ...value.roles.q, allow, deny };
        const [before, after] = [compile(value), compile({ ...value, roles: { ...value.roles, q } })];
        const told = new Set(effectsOf(before, after).flatMap(({ who }) => who));
        return subjects.every(({ id, roles, groups }) => {
          const names = [id, ...roles.map((name) => `role:${name}`)];
          if (names.some((name) => told.has(name))) return true;
          const subject = { id, roles, groups };
          return decisionsOf(before, subject) === decisionsOf(after, subject);
        });
      }),
      RUNS,
    );
  });
});
