import type { Context } from "hono";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { readExplicitToken } from "#shared/http/token-source.ts";
import { parseToken } from "#shared/tokens/parse-token.ts";
import { requireUse } from "#shared/tokens/require-use.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import type { SessionDeps } from "../authorize-request.ts";
import { decide } from "../decide/decide.ts";
import { decodeGrant } from "../decide/grant.ts";
import { resolveSubject } from "../decide/resolve-subject.ts";
import { trustedSubject } from "../decide/trusted-subject.ts";
import { callContextOf } from "#shared/http/json-api.ts";
import { presentSubject } from "../sessions/present-subject.ts";
import type { OperatorTokens } from "#shared/http/operator-tokens.ts";
import { type TokenGuesses, tooManyGuesses } from "#shared/http/token-guesses.ts";

/** The permission that lets a subject read and change its tenant's policy. */
const ADMIN_PERMISSION = "policy:admin";

/** What the requests of administrators are authorized by. */
export interface AuthorizeDeps extends SessionDeps {
  readonly operators: Pick<OperatorTokens, "operatorOf">;
  readonly guesses: TokenGuesses;
  /** Where a request comes from, for the audit trail. */
  readonly addressOf: (c: Context) => string;
}

/** What a token is read by. */
export type BearerDeps = Pick<AuthorizeDeps, "operators" | "guesses" | "addressOf" | "verify">;

/**
 * Admits an operator, and nobody else; answers which.
 * @throws {AppError} `token_missing`; `forbidden` for a good token of somebody else; what is wrong with the token;
 * `too_many_attempts` for an address that guesses.
 */
export async function authorizeOperator(deps: BearerDeps, c: Context): Promise<string> {
  const bearer = await readBearer(deps, c);
  if (typeof bearer === "string") return bearer;
  requireUse(bearer, "request");
  throw new AppError("forbidden", "only the operator may do this");
}

/** Admits an operator, and a subject that has `policy:admin` in this tenant, as `authorizePermission` does. */
export function authorizeAdmin(deps: AuthorizeDeps, c: Context, tenant: string): Promise<string> {
  return authorizePermission(deps, c, tenant, ADMIN_PERMISSION);
}

/**
 * Admits an operator, and a subject of this tenant that has the permission there now; answers who it is. The token's own
 * tenant decides first, so the answer does not show whether another tenant exists.
 * @throws {AppError} `token_missing`, `session_ended`, `forbidden`, what is wrong with the token, `too_many_attempts` for an
 * address that guesses, or `unavailable` while auth does not answer: what the token says is not believed.
 */
export async function authorizePermission(
  deps: AuthorizeDeps,
  c: Context,
  tenant: string,
  permission: string,
): Promise<string> {
  const claims = await readBearer(deps, c);
  if (typeof claims === "string") return claims;
  c.set("caller", { tenant: claims.tenant_id, subject: claims.sub });
  if (claims.tenant_id !== tenant) throw forbidden(permission);
  const present = await presentSubject(deps, claims, callContextOf(c));
  const snapshot = await deps.snapshots.atLeast(tenant).catch((error: unknown) => {
    throw error instanceof AppError && error.code === "tenant_unknown" ? forbidden(permission) : error;
  });
  const { id } = resolveSubject(snapshot, trustedSubject(snapshot, present, deps.ownIssuer), deps.wall());
  if (!decide(snapshot, decodeGrant(snapshot, id), permission)) throw forbidden(permission);
  return `subject:${claims.sub}`;
}

/** Refuses cookies: a browser sends them unasked, so they do not prove that somebody meant this. */
function readToken(c: Context): string {
  const explicit = readExplicitToken({ headers: c.req.header(), query: new URL(c.req.url).searchParams });
  if (explicit === undefined) throw new AppError("token_missing", "send a token in the header Authorization: Bearer");
  return explicit.token;
}

/**
 * Which operator's token the request carries, or the claims of another token. An address that guesses is not listened to: of
 * its tokens only signed ones are read. Any other may be an operator's, and must not be shown to issuers of opaque tokens.
 */
async function readBearer(deps: BearerDeps, c: Context): Promise<string | VerifiedClaims> {
  const token = readToken(c);
  const address = deps.addressOf(c);
  const waitSeconds = await deps.guesses.waitSeconds(address);
  if (waitSeconds > 0 && !isSigned(token)) throw tooManyGuesses(waitSeconds);
  const operator = waitSeconds > 0 ? undefined : deps.operators.operatorOf(token);
  if (operator !== undefined) return operator;
  try {
    return await deps.verify(token, address);
  } catch (error) {
    if (toAppError(error).code !== "token_invalid") throw error;
    if (waitSeconds > 0) throw tooManyGuesses(waitSeconds);
    await deps.guesses.note(address);
    if (isSigned(token)) throw error;
    throw new AppError("token_invalid", "this is no operator's token, and no access token either", { cause: error });
  }
}

function isSigned(token: string): boolean {
  return parseToken(token) !== undefined;
}

function forbidden(permission: string): AppError {
  return new AppError("forbidden", `this needs the permission ${permission} in the tenant`);
}
