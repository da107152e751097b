import { randomUUID } from "node:crypto";
import type { JWTPayload } from "jose";
import type { Issuer } from "#test/support/start-issuer.ts";
import type { RunningService } from "#test/support/start-service.ts";
import type { Bus, Stack } from "#test/support/start-stack.ts";

/** The tenant whose policy the inputs change. */
export const INPUTS_TENANT = "inputs";

/** Real services, and what is needed to send them something. */
export interface InputsWorld {
  readonly stack: Stack;
  /** An edge that takes the issuer's tokens. */
  readonly edge: RunningService;
  /** A producer of the tenant `demo`. */
  readonly bus: Bus;
  /** An access token of the person carol of `demo`. */
  readonly token: string;
  /** Signs an access token of the tenant `demo` for the edge. */
  readonly sign: (claims?: JWTPayload) => Promise<string>;
}

/** Makes the world around a stack. */
export async function openInputsWorld(stack: Stack, issuer: Issuer): Promise<InputsWorld> {
  const edge = await stack.startEdge({ AUTH_JWKS_URL: issuer.jwksUri });
  const { access_token: token } = await stack.login("carol");
  const bus = await stack.bus("demo");
  const made = await stack.operate("PUT", INPUTS_TENANT, {});
  if (made.status >= 300) throw new Error(`the tenant was not made: ${JSON.stringify(made.body)}`);
  return { stack, edge, bus, token, sign: (claims) => issuer.sign(claimsOf(claims)) };
}

function claimsOf(claims: JWTPayload = {}): JWTPayload {
  const iat = Math.floor(Date.now() / 1_000);
  return {
    iss: "http://localhost:8081",
    aud: "sluice",
    client_id: "inputs",
    tenant_id: "demo",
    sub: "carol",
    login_at: "2026-01-01T00:00:00Z",
    iat,
    exp: iat + 300,
    jti: randomUUID(),
    sid: randomUUID(),
    roles: ["security"],
    ...claims,
  };
}
