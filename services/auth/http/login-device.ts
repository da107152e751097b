import { createHash } from "node:crypto";
import type { Context } from "hono";
import { isHttps } from "#shared/http/cookie-settings.ts";
import { cookieNames, readCookies, type TokenCookies } from "#shared/http/token-cookies.ts";
import type { Keys } from "../keys/open-keys.ts";
import type { Credentials } from "../sessions/log-in.ts";
import { formatDeviceToken, newDeviceId, parseDeviceToken } from "../tokens/device-token.ts";

type Account = Pick<Credentials, "tenant" | "username">;

interface LoginDeviceDeps {
  readonly keys: Pick<Keys, "refresh">;
  readonly cookies: TokenCookies;
  /** Auth's own URL: its scheme says whether the cookie is Secure. */
  readonly issuer: string;
}

const MAX_AGE_SECONDS = 400 * 86_400;

/** A browser sends them all with every request, and proxies take 8 KB of headers: for more accounts they are not kept. */
const MAX_ACCOUNTS = 8;

/**
 * The id of the browser, where this account has logged in on it before. Its attempts are counted apart: whoever guesses at
 * the account from elsewhere does not shut out its owner.
 */
export function readLoginDevice(c: Context, account: Account, deps: LoginDeviceDeps): string | undefined {
  const tokens = readCookies(c.req.header(), cookieName(account, deps));
  return tokens.map((token) => parseDeviceToken(token, account, deps.keys.refresh)).find((id) => id !== undefined);
}

/**
 * Has the browser remember that this account has logged in on it, in place of those that did so the longest ago where they
 * are too many. The cookie opens nothing: it is no token of a session.
 */
export function rememberLoginDevice(
  c: Context,
  account: Account,
  device: string | undefined,
  deps: LoginDeviceDeps,
): void {
  const token = formatDeviceToken(device ?? newDeviceId(), account, deps.keys.refresh[0]);
  const name = cookieName(account, deps);
  const others = cookieNames(c.req.header()).filter((each) => each !== name && isDeviceName(each, deps));
  // Browsers send the oldest first (RFC 6265, section 5.4).
  const excess = others.slice(0, Math.max(0, others.length - (MAX_ACCOUNTS - 1)));
  for (const each of excess) c.header("set-cookie", deps.cookies.giveBeside(each, "", 0), { append: true });
  c.header("set-cookie", deps.cookies.giveBeside(name, token, MAX_AGE_SECONDS), { append: true });
}

/** One cookie for each account: several people may use one browser. */
function cookieName({ tenant, username }: Account, { issuer }: LoginDeviceDeps): string {
  const account = createHash("sha256").update(`${tenant}.${username}`).digest("base64url").slice(0, 10);
  return `${prefixOf(issuer)}${account}`;
}

function isDeviceName(name: string, { issuer }: LoginDeviceDeps): boolean {
  const prefix = prefixOf(issuer);
  return name.startsWith(prefix) && /^[\w-]{10}$/.test(name.slice(prefix.length));
}

function prefixOf(issuer: string): string {
  return `${isHttps(issuer) ? "__Host-" : ""}login_device_`;
}
