import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import type { Scope } from "#shared/protocol/scope.ts";
import type { Attributes } from "../document/attributes.ts";
import type { Subject } from "./resolve-subject.ts";
import type { Snapshot } from "./snapshot.ts";

/** A subject, as a token describes it, and the token's issuer. */
export interface ClaimedSubject extends Subject {
  /** The token's `iss`; undefined for auth's own tokens. */
  readonly issuer?: string | undefined;
  /** Never left out by accident: a subject without a limit may do more. */
  readonly scope: Scope | undefined;
}

/** The subject that a verified token describes. */
export function claimedSubject({
  sub,
  roles,
  groups,
  attributes = {},
  scope,
  iss,
  isOutside = false,
}: VerifiedClaims): ClaimedSubject {
  const issuer = isOutside ? iss : undefined;
  return { id: sub, roles, groups, attributes: new Map(Object.entries(attributes)), scope, issuer };
}

/**
 * A subject with those of its token's roles, groups and attributes that count: where the document trusts the issuer for them. Auth is
 * trusted unless the document says otherwise.
 */
export function trustedSubject(
  { document }: Snapshot,
  { id, roles, groups, attributes, issuer, scope }: ClaimedSubject,
  ownIssuer: string,
): Subject {
  const from = issuer ?? ownIssuer;
  const isOwn = from === ownIssuer;
  const trust = document.trust.find((each) => each.issuer === from) ?? {
    roles: isOwn,
    groups: isOwn,
    attributes: isOwn,
  };
  return {
    id,
    roles: trust.roles ? roles : [],
    groups: trust.groups ? groups : [],
    attributes: countingAttributes(attributes, trust.attributes),
    scope,
  };
}

function countingAttributes(attributes: Attributes | undefined, trusted: boolean | readonly string[]) {
  if (attributes === undefined || trusted === false) return undefined;
  return trusted === true ? attributes : new Map([...attributes].filter(([name]) => trusted.includes(name)));
}
