import type { BlockList } from "node:net";
import type { Context } from "hono";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { clientAddressOf } from "#shared/http/client-address.ts";
import { callContextOf } from "#shared/http/json-api.ts";
import type { OperatorTokens } from "#shared/http/operator-tokens.ts";
import { type TokenGuesses, tooManyGuesses } from "#shared/http/token-guesses.ts";
import { readExplicitToken } from "#shared/http/token-source.ts";
import type { ClientKeeper } from "../sessions/manage-clients.ts";
import type { AuthenticateCaller } from "./authenticate-caller.ts";
import type { CheckPermission } from "./session-routes.ts";

/** The permission that lets a subject make and withdraw the service clients of its tenant. */
const CLIENT_ADMIN = "client:admin";

/** What those who keep clients are admitted by. */
export interface KeeperDeps {
  readonly authenticate: AuthenticateCaller;
  readonly checkPermission: CheckPermission;
  readonly operators: Pick<OperatorTokens, "operatorOf">;
  readonly guesses: TokenGuesses;
  readonly trustedProxies: BlockList;
}

/**
 * Admits an operator, and a subject of this tenant that has `client:admin` there now. The token's own tenant decides first, so
 * the answer does not show whether another tenant exists.
 * @throws {AppError} what the authentication throws, `forbidden`, `too_many_attempts` for an address that guesses, or
 * `unavailable`.
 */
export async function authorizeKeeper(deps: KeeperDeps, c: Context, tenant: string): Promise<ClientKeeper> {
  const address = clientAddressOf(c, deps.trustedProxies);
  const operator = await operatorOf(deps, c, address);
  if (operator !== undefined) return { by: operator, address };
  const { claims, holder } = await authenticateOrCount(deps, c, address);
  const { username: id, roles, groups } = holder;
  const isAllowed =
    claims.tenant_id === tenant &&
    (await deps.checkPermission({ tenant, id, roles, groups }, CLIENT_ADMIN, callContextOf(c)));
  if (!isAllowed) throw new AppError("forbidden", `this needs the permission ${CLIENT_ADMIN} in the tenant`);
  return { by: `subject:${id}`, address };
}

/** Whose operator's token it is. An address that guesses is not listened to. */
async function operatorOf(
  { operators, guesses }: KeeperDeps,
  c: Context,
  address: string,
): Promise<string | undefined> {
  const explicit = readExplicitToken({ headers: c.req.header(), query: new URL(c.req.url).searchParams });
  if (explicit === undefined || (await guesses.waitSeconds(address)) > 0) return undefined;
  return operators.operatorOf(explicit.token);
}

async function authenticateOrCount({ authenticate, guesses }: KeeperDeps, c: Context, address: string) {
  try {
    return await authenticate(c);
  } catch (error) {
    if (toAppError(error).code !== "token_invalid") throw error;
    const waitSeconds = await guesses.waitSeconds(address);
    if (waitSeconds > 0) throw tooManyGuesses(waitSeconds);
    await guesses.note(address);
    throw error;
  }
}
