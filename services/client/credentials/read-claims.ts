/** What a token says of itself, unproven: good for a guess when to renew it, and for nothing else. */
export interface Claims {
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** Issuer, tenant and person. */
  readonly who: string;
  /** Everything else that it says: two tokens that say the same allow the same. */
  readonly rights: string;
}

/** The claims of a JWT; undefined for every other token. */
export function readClaims(token: string): Claims | undefined {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const { exp, nbf: _nbf, iat: _iat, jti: _jti, ...rights } = JSON.parse(atob(payload)) as Record<string, unknown>;
    if (typeof exp !== "number") return undefined;
    const who = JSON.stringify([rights["iss"], rights["tenant_id"], rights["sub"]]);
    return { expiresAt: exp * 1_000, who, rights: JSON.stringify(rights) };
  } catch {
    return undefined;
  }
}
