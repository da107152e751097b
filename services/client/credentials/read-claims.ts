/** What a token says of itself, unproven: good for a guess when to renew it, and for nothing else. */
export interface Claims {
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** Issuer, tenant and person. */
  readonly who: string;
}

/** The claims of a JWT; undefined for every other token. */
export function readClaims(token: string): Claims | undefined {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const { exp, iss, tenant_id, sub } = JSON.parse(atob(payload)) as Record<string, unknown>;
    return typeof exp === "number" ? { expiresAt: exp * 1_000, who: JSON.stringify([iss, tenant_id, sub]) } : undefined;
  } catch {
    return undefined;
  }
}
