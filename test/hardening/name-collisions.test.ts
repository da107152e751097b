import { expect, test } from "vitest";
import { groupPrincipal, isPrincipal, subjectPrincipal } from "#shared/contract/principal.ts";
import { subjectKey } from "#shared/contract/subject-key.ts";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import { decodeName, encodeName } from "#shared/protocol/encode-name.ts";
import { isFreeName } from "#shared/protocol/names.ts";
import { amountOf } from "#test/soak/amount.ts";
import { randomLists, randomPair } from "#test/support/random-names.ts";
import { encodeGrant } from "../../services/policy/decide/grant.ts";
import { compileSnapshot } from "../../services/policy/decide/snapshot.ts";
import { parseDocument } from "../../services/policy/document/parse-document.ts";
import { formatAudienceKey } from "../../services/stream/audiences/audience.ts";

/** Half of them single names, half lists. */
const PAIRS = amountOf("names", 100_000) / 2;

/** As the contract says it. */
const TOKEN = /^([A-Za-z0-9_-]|%[0-9A-F]{2}){1,768}$/;

const { document } = parseDocument('tenant: acme\nroles: { "a,b@": { allow: ["x:y@x.{sub}"] } }', "acme");
if (document === undefined) throw new Error("the document has faults");
const snapshot = compileSnapshot({ number: 1, build: "a" }, document, new Map());

/** Each makes a text of a name, and must not make one text of two. */
const textsOfNames: Readonly<Record<string, (name: string) => string>> = {
  token: encodeName,
  key: (name) => subjectKey("acme", name),
  subject: subjectPrincipal,
  group: groupPrincipal,
  "grant of a subject": (name) => encodeGrant(snapshot, ["a,b@"], name),
  "grant of a role": (name) => encodeGrant(snapshot, [name], "alice"),
};

/** The same for lists. */
const textsOfLists: Readonly<Record<string, (names: readonly string[]) => string>> = {
  "composite key": (names) => compositeKey(...names),
  "key of an audience": ([id = "", ...topics]) => {
    const format = { body: "raw", naming: "message" } as const;
    const grant = { id, roles: new Set<string>(), residuals: new Map() };
    return formatAudienceKey({ topics, grant, format, coding: { name: "gzip chunked", encode: (bytes) => bytes } });
  },
  topic: (names) => names.map(encodeName).join("."),
};

test("no two names share a token, a key, a principal or a grant", () => {
  for (let count = 0; count < PAIRS; count += 1) {
    const [name, other] = randomPair();
    if (!isFreeName(name) || !isFreeName(other)) continue;
    for (const [kind, textOf] of Object.entries(textsOfNames)) {
      if ((textOf(name) === textOf(other)) !== (name === other))
        expect.fail(`${kind}: ${JSON.stringify([name, other])}`);
    }
    const token = encodeName(name);
    const isGood = decodeName(token) === name && TOKEN.test(token) && token.length <= 768;
    if (!isGood) expect.fail(`the token of ${JSON.stringify(name)}`);
    if (subjectPrincipal(name) === groupPrincipal(other)) expect.fail(`principals: ${JSON.stringify([name, other])}`);
    if (!isPrincipal(subjectPrincipal(name))) expect.fail(`the principal of ${JSON.stringify(name)}`);
    // Whatever is a token is the token of its name.
    const decoded = decodeName(other);
    if (decoded !== undefined && encodeName(decoded) !== other)
      expect.fail(`another spelling: ${JSON.stringify(other)}`);
  }
});

test("no two lists of names share a key, an audience or a grant", () => {
  for (let count = 0; count < PAIRS; count += 1) {
    const [names, others] = randomLists();
    if (![...names, ...others].every(isFreeName)) continue;
    const isSame = names.length === others.length && names.every((name, index) => name === others[index]);
    for (const [kind, textOf] of Object.entries(textsOfLists)) {
      if ((textOf(names) === textOf(others)) !== isSame) expect.fail(`${kind}: ${JSON.stringify([names, others])}`);
    }
    const hasSameRoles = new Set(names).symmetricDifference(new Set(others)).size === 0;
    const grants = [names, others].map((roles) => encodeGrant(snapshot, roles, "alice"));
    if ((grants[0] === grants[1]) !== hasSameRoles) expect.fail(`grant: ${JSON.stringify([names, others])}`);
  }
});
