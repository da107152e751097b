import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseScope, type Scope, topicsWithin } from "#shared/protocol/scope.ts";
import { topicMatches } from "#shared/protocol/topics.ts";
import { parseDocument } from "../document/parse-document.ts";
import { decide } from "./decide.ts";
import { explain } from "./explain.ts";
import { decodeGrant } from "./grant.ts";
import { residualOf } from "./residual.ts";
import { resolveSubject } from "./resolve-subject.ts";
import { compileSnapshot } from "./snapshot.ts";

const { document } = parseDocument(
  `
tenant: acme
roles:
  viewer: { allow: ["order:read", "invoice:read@invoice.*.{sub}"] }
  shy: { allow: ["order:read@order.>"], deny: ["order:read@order.deleted.>"] }
  regional: { allow: [{ rule: "order:read@order.*.eu", when: "event.region == 'eu'" }] }
  root: { allow: ["*:*"] }
`,
  "acme",
);
const snapshot = compileSnapshot({ number: 1, build: "b" }, document!, new Map());
const resolve = (roles: readonly string[], scope: string | undefined) =>
  resolveSubject(snapshot, { id: "alice", roles, groups: [], scope: scope === undefined ? undefined : read(scope) }, 0);
const grantOf = (roles: readonly string[], scope: string | undefined) =>
  decodeGrant(snapshot, resolve(roles, scope).id);

function read(scope: string): Scope {
  return parseScope(scope)!;
}

const event = (topic: string) => ({ topic, attributes: { region: "eu" } });

describe("a token with a scope", () => {
  test.each([
    [["viewer"], "order:read", "order:read", "order.created.1", true, "what both allow"],
    [["viewer"], "invoice:read", "order:read", "order.created.1", false, "what its scope does not name"],
    [["viewer"], "*:*", "order:write", "order.created.1", false, "what its subject may not, whatever the scope says"],
    [["root"], "order:*@order.*.42", "order:read", "order.created.42", true, "a topic of the scope"],
    [["root"], "order:*@order.*.42", "order:read", "order.created.43", false, "another topic"],
    [["root"], "order:*@order.*.42", "order:read", undefined, false, "every topic, where the scope names some"],
    [["root"], "order:*", "order:read", undefined, true, "every topic"],
    [["root"], "policy:admin", "order:read", undefined, false, "another permission"],
  ])("%j within %s: %s on %s is %s (%s)", (roles, scope, permission, topic, allowed, _why) => {
    const asked = topic === undefined ? undefined : event(topic);
    expect(decide(snapshot, grantOf(roles, scope), permission, asked)).toBe(allowed);
  });

  test("has the same grant as another with the same entries, and none in common with a token without a scope", () => {
    expect(resolve(["root"], "a:b c:d").id).toBe(resolve(["root"], "c:d a:b").id);
    expect(resolve(["root"], "a:b").id).not.toBe(resolve(["root"], undefined).id);
    expect(resolve(["root"], "a:b").id).not.toBe(resolve(["root"], "a:c").id);
  });

  test("is explained", () => {
    const subject = { id: "alice", roles: ["root"], groups: [], scope: read("order:read@order.*.42") };
    const explained = explain(snapshot, subject, { of: "permission", permission: "order:read" }, 0);
    expect(explained).toMatchObject({ allow: false, rule: null });
    expect(explained.because).toBe("the token's scope does not let order:read through on every topic");
  });

  test("may never do more than its subject, nor more than its scope, event by event", () => {
    const tokens = fc.constantFrom("order", "created", "deleted", "eu", "42", "*");
    const topics = fc
      .tuple(fc.array(tokens, { minLength: 1, maxLength: 3 }), fc.constantFrom("eu", "42", "*", ">"))
      .map(([first, last]) => [...first, last].join("."));
    const entries = fc
      .tuple(fc.constantFrom("order:read", "order:*", "*:*", "invoice:read"), fc.option(topics, { nil: undefined }))
      .map(([permission, on]) => (on === undefined ? permission : `${permission}@${on}`));
    const scopes = fc.array(entries, { minLength: 1, maxLength: 4 }).map((all) => all.join(" "));
    const roles = fc.subarray(["viewer", "shy", "regional", "root"]);
    const published = fc
      .array(fc.constantFrom("order", "created", "deleted", "eu", "42"), { minLength: 2, maxLength: 4 })
      .map((all) => all.join("."));
    fc.assert(
      fc.property(roles, scopes, published, (held, scope, topic) => {
        const isInScope = topicsWithin(read(scope), "order:read").some((pattern) => topicMatches(pattern, topic));
        const expected = isInScope && decide(snapshot, grantOf(held, undefined), "order:read", event(topic));
        expect(decide(snapshot, grantOf(held, scope), "order:read", event(topic))).toBe(expected);
        const { allow, deny, allowWhen } = residualOf(snapshot, grantOf(held, scope), "order:read");
        const matches = (pattern: string): boolean => topicMatches(pattern, topic);
        const isAllowed = allow.some(matches) || allowWhen.some(({ pattern }) => matches(pattern));
        expect(isAllowed && !deny.some(matches)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });
});
