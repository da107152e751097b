import { describe, expect, it } from "vitest";
import { parseDocument } from "../document/parse-document.ts";
import { compileSnapshot } from "./snapshot.ts";
import { trustedSubject } from "./trusted-subject.ts";

const OWN = "http://auth.test";
const CLAIMS = { id: "alice", roles: ["viewer"], groups: ["ops"] };

function trusting(trust: readonly object[]) {
  const { document } = parseDocument(JSON.stringify({ tenant: "acme", trust }), "acme");
  const snapshot = compileSnapshot({ number: 1, build: "b" }, document!, new Map());
  return (issuer?: string) => trustedSubject(snapshot, { ...CLAIMS, issuer, scope: undefined }, OWN);
}

describe("the roles and groups of a token", () => {
  it.each([undefined, OWN])("of auth count (%s)", (issuer) => {
    expect(trusting([])(issuer)).toEqual(CLAIMS);
  });

  it.each(["https://idp.example", "", `${OWN}/`])(
    "of an issuer that the tenant does not name count for nothing (%j)",
    (issuer) => {
      expect(trusting([{ issuer: "https://other.example", roles: true, groups: true }])(issuer)).toEqual({
        id: "alice",
        roles: [],
        groups: [],
      });
    },
  );

  it("count as far as the tenant trusts their issuer", () => {
    const issuer = "https://idp.example";
    expect(trusting([{ issuer, roles: true }])(issuer)).toEqual({ ...CLAIMS, groups: [] });
    expect(trusting([{ issuer, groups: true }])(issuer)).toEqual({ ...CLAIMS, roles: [] });
    expect(trusting([{ issuer, roles: true, groups: true }])(issuer)).toEqual(CLAIMS);
    expect(trusting([{ issuer }])(issuer)).toEqual({ ...CLAIMS, roles: [], groups: [] });
  });

  it.each([undefined, OWN])("of auth count for nothing where the tenant says so (%s)", (issuer) => {
    expect(trusting([{ issuer: OWN }])(issuer)).toEqual({ ...CLAIMS, roles: [], groups: [] });
  });
});
