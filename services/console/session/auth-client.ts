import { readProblem, toApiError } from "../http/api-error.ts";

/** What a person logs in with. */
export interface Credentials {
  readonly tenant: string;
  readonly username: string;
  readonly password: string;
}

/** The tokens of a person, and until when the first is good (milliseconds since 1970). */
export interface PersonTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresAt: number;
}

/** What the console asks of auth. No cookie is sent or taken: another page's login on this host stays what it is. */
export interface AuthClient {
  logIn(credentials: Credentials): Promise<PersonTokens & { readonly tenant: string; readonly subject: string }>;
  /** A new access token. The refresh token is not spent, so that a second tab may hold it too. */
  renew(refreshToken: string): Promise<Pick<PersonTokens, "accessToken" | "expiresAt">>;
  /** Ends the session; a failure is nobody's business any more. */
  logOut(refreshToken: string): Promise<void>;
}

interface TokenAnswer {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
}

const DEADLINE_MS = 10_000;

/** A client of auth at this URL. `now` is in milliseconds since 1970. */
export function createAuthClient(url: string, fetch: typeof globalThis.fetch, now: () => number): AuthClient {
  const post = async (path: string, body: BodyInit, type: string): Promise<Response> => {
    const response = await fetch(new URL(path, url), {
      method: "POST",
      headers: { "content-type": type },
      body,
      credentials: "omit",
      signal: AbortSignal.timeout(DEADLINE_MS),
    }).catch((thrown: unknown) => {
      throw toApiError(thrown, "auth");
    });
    if (!response.ok) throw await readProblem(response);
    return response;
  };
  const askTokens = async (path: string, body: object): Promise<TokenAnswer> => {
    const response = await post(path, JSON.stringify(body), "application/json");
    return (await response.json()) as TokenAnswer;
  };
  return {
    async logIn(credentials) {
      const answer = await askTokens("/v1/auth/login", { ...credentials, device: "console" });
      const { sub, tenant_id: tenant } = readClaims(answer.access_token);
      const { access_token: accessToken, refresh_token: refreshToken, expires_in: seconds } = answer;
      return { tenant, subject: sub, accessToken, refreshToken, expiresAt: now() + seconds * 1_000 };
    },
    async renew(refreshToken) {
      const answer = await askTokens("/v1/auth/renew", { refresh_token: refreshToken });
      return { accessToken: answer.access_token, expiresAt: now() + answer.expires_in * 1_000 };
    },
    async logOut(refreshToken) {
      const form = new URLSearchParams({ token: refreshToken });
      await post("/v1/auth/revoke", form, "application/x-www-form-urlencoded").catch(() => undefined);
    },
  };
}

/** The claims of a token that auth has just given: nobody else's are read, so no signature is checked. */
function readClaims(token: string): { readonly sub: string; readonly tenant_id: string } {
  const [, payload = ""] = token.split(".");
  const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes)) as { readonly sub: string; readonly tenant_id: string };
}
