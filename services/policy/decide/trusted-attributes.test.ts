import { describe, expect, test } from "vitest";
import { readSubject } from "../grpc/read-request.ts";
import { lintDocument } from "../document/lint-document.ts";
import { parseDocument } from "../document/parse-document.ts";
import { decide } from "./decide.ts";
import { decodeGrant } from "./grant.ts";
import { resolveSubject } from "./resolve-subject.ts";
import { compileSnapshot } from "./snapshot.ts";
import { trustedSubject } from "./trusted-subject.ts";

const IDP = "https://idp.example";
const NO_NAMES = { roles: [], groups: [] };

function policy(trust: boolean | readonly string[] | undefined) {
  const { document } = parseDocument(
    JSON.stringify({
      tenant: "acme",
      roles: {
        regional: { allow: [{ rule: "order:read", when: "event.region in subject.region" }] },
        teams: { allow: ["ticket:read@ticket.*.{team}"] },
        shielded: { allow: ["note:read"], deny: [{ rule: "note:read", when: "event.level not in subject.level" }] },
      },
      bindings: [
        { role: "regional", subjects: ["dana", "erin", "group:ops"] },
        { role: "teams", subjects: ["dana"] },
        { role: "shielded", subjects: ["dana"] },
      ],
      attributes: { erin: { region: "us" }, "group:ops": { region: "asia" } },
      trust: [{ issuer: IDP, groups: true, ...(trust !== undefined && { attributes: trust }) }],
    }),
    "acme",
  );
  return compileSnapshot({ number: 1, build: "b" }, document!, new Map());
}

/** The grant of a person of the provider whose token says these attributes. */
function idOf(trust: boolean | readonly string[] | undefined, said: object, { id = "dana", groups = [""] } = {}) {
  const snapshot = policy(trust);
  const attributes = new Map(Object.entries(said) as [string, string[]][]);
  const subject = { id, ...NO_NAMES, groups: groups.filter(Boolean), attributes, issuer: IDP, scope: undefined };
  return { snapshot, id: resolveSubject(snapshot, trustedSubject(snapshot, subject, "auth"), 0).id };
}

function mayRead(trust: Parameters<typeof idOf>[0], said: object, region: string, person = {}): boolean {
  const { snapshot, id } = idOf(trust, said, person);
  const event = { topic: "order.created.1", attributes: { region } };
  return decide(snapshot, decodeGrant(snapshot, id), "order:read", event);
}

describe("attributes that a token says", () => {
  test.each([
    [true, true],
    [["region"], true],
    [["other"], false],
    [false, false],
    [undefined, false],
  ])("count where the tenant trusts their issuer for %j", (trust, isAllowed) => {
    expect(mayRead(trust, { region: ["eu"] }, "eu")).toBe(isAllowed);
    expect(mayRead(trust, { region: ["eu"] }, "us")).toBe(false);
  });

  test("give way to what the document says of the person, and of its groups", () => {
    expect(mayRead(true, { region: ["eu"] }, "eu", { id: "erin" })).toBe(false);
    expect(mayRead(true, { region: ["eu"] }, "us", { id: "erin" })).toBe(true);
    expect(mayRead(true, { region: ["eu"] }, "eu", { groups: ["ops"] })).toBe(false);
    expect(mayRead(true, { region: ["eu"] }, "asia", { groups: ["ops"] })).toBe(true);
  });

  test("stand in placeholders, and where they are absent a denial that looks at them holds", () => {
    const { snapshot, id } = idOf(true, { team: ["blue"], level: ["low"] });
    const grant = decodeGrant(snapshot, id);
    const at = (topic: string, level = "") => ({ topic, attributes: { level } });
    expect(decide(snapshot, grant, "ticket:read", at("ticket.opened.blue"))).toBe(true);
    expect(decide(snapshot, grant, "ticket:read", at("ticket.opened.red"))).toBe(false);
    expect(decide(snapshot, grant, "note:read", at("note.a.b", "low"))).toBe(true);
    const other = decodeGrant(snapshot, idOf(true, {}).id);
    expect(decide(snapshot, other, "note:read", at("note.a.b", "low"))).toBe(false);
  });

  test("part grants where rules look at them, and only there", () => {
    expect(idOf(true, { region: ["eu"] }).id).not.toBe(idOf(true, { region: ["us"] }).id);
    expect(idOf(true, { shoe: ["42"] }).id).toBe(idOf(true, { shoe: ["43"] }).id);
    expect(idOf(false, { region: ["eu"] }).id).toBe(idOf(false, { region: ["us"] }).id);
  });

  test("that are more than a grant can carry are as good as absent, and spoil no other question", () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`a${index}`, ["x".repeat(100)]]));
    expect(mayRead(true, { region: ["eu"], ...many }, "eu")).toBe(false);
    const wire = { id: "dana", ...NO_NAMES };
    const byName = { region: { values: ["x".repeat(129)] } };
    expect(readSubject({ ...wire, attributes: { byName } }).attributes).toBeUndefined();
    expect(readSubject({ ...wire, attributes: { byName: { region: { values: ["eu"] } } } }).attributes).toEqual(
      new Map([["region", ["eu"]]]),
    );
  });
});

test("lint does not miss attributes that tokens may bring", () => {
  const text = (trust: object) =>
    JSON.stringify({
      tenant: "acme",
      roles: { a: { allow: [{ rule: "order:read", when: "event.region in subject.region" }] } },
      bindings: [{ role: "a", subjects: ["dana"] }],
      events: { "order.*": "order:read" },
      trust: [{ issuer: IDP, ...trust }],
    });
  const warningsOf = (trust: object) =>
    lintDocument(parseDocument(text(trust), "acme").document!, 0)
      .map(({ message }) => message)
      .filter((message) => message.includes("attribute"));
  expect(warningsOf({})).toEqual([expect.stringContaining('nobody has the attribute "region"')]);
  expect(warningsOf({ attributes: ["region"] })).toEqual([]);
});
