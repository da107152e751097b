import { hash } from "node:crypto";
import { expirySchema } from "./access-token.ts";
import { type ClaimRule, textsOf, valueAt } from "./claim-rules.ts";
import { isFreeName } from "#shared/protocol/names.ts";
import type { IssuerEntry } from "./outside-issuers.ts";
import { tokenInvalid } from "./parse-token.ts";
import type { VerifiedClaims } from "./verified-claims.ts";
import type { Report } from "./verify-token.ts";

type Claims = Readonly<Record<string, unknown>>;

/** As a document bounds them: what goes beyond counts as absent. */
const MAX_ATTRIBUTE = { values: 64, characters: 128, bytesOfAll: 3_072 } as const;

/**
 * What a genuine token of an outside issuer says in our terms, by the issuer's entry. `tokenHash` stands for a token that has
 * no id of its own.
 * @throws {AppError} `token_invalid` where it does not say of which tenant's person it is.
 */
export function readOutsideClaims(
  claims: Claims,
  entry: IssuerEntry,
  tokenHash: string | undefined,
  report?: Report,
): VerifiedClaims {
  const exp = readExpiry(claims);
  const tenant_id = readTenant(claims, entry);
  report?.("tenant", () => tenant_id);
  const sub = readSubject(claims, entry.claims.subject);
  report?.("subject", () => sub);
  const roles = namesIn(claims, entry.claims.roles);
  report?.("roles", () => shownNames(roles, entry.claims.roles, claims));
  const groups = namesIn(claims, entry.claims.groups);
  report?.("groups", () => shownNames(groups, entry.claims.groups, claims));
  const attributes = readAttributes(claims, entry.claims.attributes);
  report?.("attributes", () => JSON.stringify(attributes));
  const login_at = issuedAt(claims);
  return {
    iss: entry.issuer,
    sub,
    sid: sessionOf(claims, [entry.issuer, sub], tokenHash),
    exp,
    tenant_id,
    roles,
    groups,
    ...(login_at !== undefined && { login_at }),
    ...(Object.keys(attributes).length > 0 && { attributes }),
    kid: "",
    scope: undefined,
    isOutside: true,
  };
}

/**
 * Whether the issuer left groups out because there are too many of them: Entra ID points to another place for them then
 * (`_claim_names`, `hasgroups`).
 */
export function hasOverage(claims: Claims): boolean {
  const names = claims["_claim_names"];
  return claims["hasgroups"] === true || (typeof names === "object" && names !== null && "groups" in names);
}

/** A date may have a fraction (RFC 7519, section 2): the token ends with the second before it. */
function readExpiry({ exp }: Claims): number {
  const parsed = expirySchema.safeParse(typeof exp === "number" ? Math.floor(exp) : exp);
  if (parsed.success) return parsed.data;
  throw tokenInvalid("the token ends at a time that is none (exp)", { claim: "exp" });
}

function readTenant(claims: Claims, { tenant, tenant_claim, tenant_pattern, tenants = [] }: IssuerEntry): string {
  if (tenant !== undefined) return tenant;
  const from = tenant_claim ?? [];
  const claim = from.map((place) => place.join(".")).join(", ");
  const said = textsOf(claims, { from, rename: {}, prefix: "" });
  // Never by the claim alone: whoever can choose it at the issuer would choose a tenant.
  const allowed = new Set(said.flatMap((text) => tenantOf(text, tenants, tenant_pattern) ?? []));
  const [only, ...others] = allowed;
  if (only !== undefined && others.length === 0) return only;
  if (only !== undefined) throw tokenInvalid(`the token names several tenants (${claim}); it must be one`, { claim });
  throw tokenInvalid(
    said.length === 0
      ? `the token does not name its tenant (${claim})`
      : `the token's tenant (${claim}) is none that its issuer's entry lists`,
    { claim, said },
  );
}

function tenantOf(
  said: string,
  tenants: NonNullable<IssuerEntry["tenants"]>,
  pattern = "{tenant}",
): string | undefined {
  if (!Array.isArray(tenants)) return Object.hasOwn(tenants, said) ? tenants[said] : undefined;
  const [before = "", behind = ""] = pattern.split("{tenant}");
  if (!said.startsWith(before) || !said.endsWith(behind)) return undefined;
  const name = said.slice(before.length, said.length - behind.length);
  return said.length >= before.length + behind.length && tenants.includes(name) ? name : undefined;
}

function readSubject(claims: Claims, rule: ClaimRule): string {
  const claim = rule.from.map((place) => place.join(".")).join(", ");
  const place = rule.from.find((each) => ["string", "number"].includes(typeof valueAt(claims, each)));
  const [sub] = place === undefined ? [] : textsOf(claims, { ...rule, from: [place], split: undefined });
  if (sub === undefined) throw tokenInvalid(`the token does not say who its person is (${claim}, a text)`, { claim });
  if (isFreeName(sub)) return sub;
  throw tokenInvalid(
    `the token's subject (${claim}) is no name: 1 to 256 bytes of UTF-8 in normal form C, without control characters`,
    { claim },
  );
}

/** What is no name is left out: no policy can contain it. */
function namesIn(claims: Claims, rule: ClaimRule | undefined): string[] {
  return rule === undefined ? [] : textsOf(claims, rule).filter(isFreeName);
}

function shownNames(names: readonly string[], rule: ClaimRule | undefined, claims: Claims): string {
  if (rule === undefined) return "none: the issuer's entry does not say where they are";
  const leftOut = textsOf(claims, rule).length - names.length;
  const without = leftOut === 0 ? "" : `; ${leftOut} left out, which no policy can name`;
  if (names.length > 0 || leftOut > 0) return `${names.length}: ${names.join(", ")}${without}`;
  const places = rule.from.map((place) => place.join(".")).join(", ");
  return hasOverage(claims)
    ? "none: the person has so many that the issuer left them out (overage)"
    : `none: there are none at ${places}`;
}

function readAttributes(claims: Claims, rules: IssuerEntry["claims"]["attributes"]): Record<string, readonly string[]> {
  const found = Object.entries(rules).map(([name, rule]) => [name, textsOf(claims, rule).toSorted()] as const);
  const usable = found.filter(([, values]) => isUsable(values));
  return Buffer.byteLength(JSON.stringify(usable)) > MAX_ATTRIBUTE.bytesOfAll ? {} : Object.fromEntries(usable);
}

function isUsable(values: readonly string[]): boolean {
  const isText = (value: string): boolean => value.length <= MAX_ATTRIBUTE.characters && value.isWellFormed();
  return values.length > 0 && values.length <= MAX_ATTRIBUTE.values && values.every(isText);
}

/** No session of auth's has this id by accident, and two logins of one person have different ones. */
function sessionOf({ sub, jti, iat, exp }: Claims, person: readonly string[], tokenHash: string | undefined): string {
  // What is nested can be read however deep that goes, and not written.
  const [who, id, at] = [sub, jti, iat].map((each) => (typeof each === "object" ? undefined : each));
  return hash("sha256", JSON.stringify([...person, who, id ?? tokenHash ?? at ?? exp]), "base64url");
}

function issuedAt({ iat }: Claims): string | undefined {
  const parsed = expirySchema.safeParse(typeof iat === "number" ? Math.floor(iat) : iat);
  return parsed.success ? new Date(parsed.data * 1_000).toISOString() : undefined;
}
