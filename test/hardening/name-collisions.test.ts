import { expect, test } from "vitest";
import { groupPrincipal, isPrincipal, subjectPrincipal } from "#shared/contract/principal.ts";
import { subjectKey } from "#shared/contract/subject-key.ts";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import { decodeName, encodeName } from "#shared/protocol/encode-name.ts";
import { isFreeName } from "#shared/protocol/names.ts";
import { amountOf } from "#test/soak/amount.ts";
import { type Pair, randomLists, randomPair } from "#test/support/random-names.ts";
import { encodeGrant } from "../../services/policy/decide/grant.ts";
import { compileSnapshot } from "../../services/policy/decide/snapshot.ts";
import { parseDocument } from "../../services/policy/document/parse-document.ts";

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
  topic: (names) => names.map(encodeName).join("."),
};

test("no two names share a token, a key, a principal or a grant", () => {
  const faults = faultsIn(randomPair, (pair) => (pair.every(isFreeName) ? faultsOfNames(pair) : []));
  expect(faults).toEqual([]);
});

test("no two lists of names share a key or a grant", () => {
  const faults = faultsIn(randomLists, (pair) => (pair.flat().every(isFreeName) ? faultsOfLists(pair) : []));
  expect(faults).toEqual([]);
});

/** The faults of the first pair that has some. */
function faultsIn<Part>(next: () => Pair<Part>, faultsOf: (pair: Pair<Part>) => string[]): string[] {
  for (let count = 0; count < PAIRS; count += 1) {
    const pair = next();
    const faults = faultsOf(pair);
    if (faults.length > 0) return [...faults, JSON.stringify(pair)];
  }
  return [];
}

function faultsOfNames([name, other]: Pair<string>): string[] {
  const faults = collisions(textsOfNames, [name, other], name === other);
  const token = encodeName(name);
  if (decodeName(token) !== name || !TOKEN.test(token) || token.length > 768) faults.push("the token");
  if (subjectPrincipal(name) === groupPrincipal(other)) faults.push("a subject and a group");
  if (!isPrincipal(subjectPrincipal(name))) faults.push("the principal");
  const decoded = decodeName(other);
  if (decoded !== undefined && encodeName(decoded) !== other) faults.push("another spelling of a token");
  return faults;
}

function faultsOfLists([names, others]: Pair<readonly string[]>): string[] {
  const isSame = names.length === others.length && names.every((name, index) => name === others[index]);
  const haveSameRoles = new Set(names).symmetricDifference(new Set(others)).size === 0;
  const grants = { grant: (roles: readonly string[]) => encodeGrant(snapshot, roles, "alice") };
  return [...collisions(textsOfLists, [names, others], isSame), ...collisions(grants, [names, others], haveSameRoles)];
}

function collisions<Part>(
  texts: Readonly<Record<string, (part: Part) => string>>,
  [a, b]: Pair<Part>,
  isSame: boolean,
) {
  return Object.entries(texts).flatMap(([kind, textOf]) => ((textOf(a) === textOf(b)) === isSame ? [] : [kind]));
}
