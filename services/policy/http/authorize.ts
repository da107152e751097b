import { createHash, timingSafeEqual } from "node:crypto";
import type { Context } from "hono";
import type { AccessClaims } from "#shared/tokens/access-token.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { readTokenSource } from "#shared/http/token-source.ts";
import { decide } from "../decide/decide.ts";
import { decodeGrant } from "../decide/grant.ts";
import { resolveSubject } from "../decide/resolve-subject.ts";
import { trustedSubject } from "../decide/trusted-subject.ts";
import type { Snapshots } from "../snapshots.ts";

/** The permission that lets a subject read and change its tenant's policy. */
const ADMIN_PERMISSION = "policy:admin";

/** Ended sessions. */
export interface Revocations {
  /** Whether the session, or its tenant since it began, has ended, as the leader of the record knows; throws `unavailable` when it does not answer. */
  isRevoked(tenant: string, sid: string, loginAt: string): Promise<boolean>;
}

/** What telling administrators from others needs. */
export interface Authorizing {
  readonly operatorToken: string | undefined;
  readonly verify: (token: string) => Promise<AccessClaims>;
  readonly revocations: Revocations;
  readonly snapshots: Pick<Snapshots, "atLeast">;
  /** Where a request comes from, for the audit trail. */
  readonly addressOf: (c: Context) => string;
  /** Milliseconds since 1970: bindings end. */
  readonly wall: () => number;
  /** Auth's `iss`. */
  readonly ownIssuer: string;
}

/**
 * Admits the operator, and nobody else.
 * @throws {AppError} `token_missing`; `forbidden` for a good token of somebody else; what is wrong with the token.
 */
export async function authorizeOperator(on: Authorizing, c: Context): Promise<string> {
  const token = readToken(c);
  if (isOperator(on, token)) return "operator";
  await on.verify(token);
  throw new AppError("forbidden", "only the operator may do this");
}

/**
 * Admits the operator, and a subject of this tenant that has `policy:admin` there; answers who it is. Whether another
 * tenant exists is not told: what a token says of its own tenant decides first.
 * @throws {AppError} `token_missing`, `session_ended`, `forbidden`, or what is wrong with the token.
 */
export async function authorizeAdmin(on: Authorizing, c: Context, tenant: string): Promise<string> {
  const token = readToken(c);
  if (isOperator(on, token)) return "operator";
  const claims = await on.verify(token);
  if (claims.tenant_id !== tenant) throw forbidden();
  if (await on.revocations.isRevoked(tenant, claims.sid, claims.login_at))
    throw new AppError("session_ended", "the session has ended");
  const snapshot = await on.snapshots.atLeast(tenant).catch((error: unknown) => {
    throw error instanceof AppError && error.code === "tenant_unknown" ? forbidden() : error;
  });
  const subject = { id: claims.sub, roles: claims.roles, groups: claims.groups };
  const { id } = resolveSubject(snapshot, trustedSubject(snapshot, subject, on.ownIssuer), on.wall());
  if (!decide(snapshot, decodeGrant(snapshot, id), ADMIN_PERMISSION)) throw forbidden();
  return `subject:${claims.sub}`;
}

/** Only what a page cannot send without its script knowing: a cookie is no proof that somebody meant this. */
function readToken(c: Context): string {
  const source = readTokenSource({ headers: c.req.header(), query: new URL(c.req.url).searchParams });
  if (source === undefined || source.from === "cookie") {
    throw new AppError("token_missing", "this needs a token in the Authorization header");
  }
  return source.token;
}

function isOperator({ operatorToken }: Authorizing, token: string): boolean {
  return operatorToken !== undefined && timingSafeEqual(digestOf(token), digestOf(operatorToken));
}

/** Digests have one length, so that comparing tells nothing of the length either. */
function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function forbidden(): AppError {
  return new AppError("forbidden", `this needs the permission ${ADMIN_PERMISSION} in the tenant`);
}
