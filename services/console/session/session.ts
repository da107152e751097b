import { type ReadonlySignal, signal } from "@preact/signals";
import { ApiError } from "../http/api-error.ts";
import type { TokenSource } from "../http/api-client.ts";
import type { AuthClient, Credentials, PersonTokens } from "./auth-client.ts";

/** Who is logged in. */
export type Who =
  | { readonly kind: "operator" }
  | { readonly kind: "person"; readonly tenant: string; readonly subject: string };

/** The login of this tab. It lives as long as the tab does, and is in no address and no cookie. */
export interface Session extends TokenSource {
  /** Undefined before the first login and after a logout. */
  readonly who: ReadonlySignal<Who | undefined>;
  /** Whether `who` has to log in again before anything else is done. The screens stay as they are meanwhile. */
  readonly isExpired: ReadonlySignal<boolean>;
  /** @throws {ApiError} where the token is no operator's. */
  logInAsOperator(token: string): Promise<void>;
  /** @throws {ApiError} where auth does not let them in, or they may not see the console. */
  logInAsPerson(credentials: Credentials): Promise<void>;
  /** Ends the session, at auth too. */
  logOut(): void;
}

/** What is kept in the tab's storage. */
type Held =
  | { readonly kind: "operator"; readonly token: string }
  | ({ readonly kind: "person"; readonly tenant: string; readonly subject: string } & PersonTokens);

/** What a session is made of. */
export interface SessionParts {
  readonly storage: Storage;
  /** Undefined where nobody but operators logs in. */
  readonly auth: AuthClient | undefined;
  /** Asks policy at this path with this token; throws an `ApiError`. */
  readonly probe: (path: string, token: string) => Promise<void>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const KEY = "sluice-console";

/** A token is renewed so long before it runs out. */
const RENEW_BEFORE_MS = 30_000;

/** Takes up the login that this tab has, if any. */
export function openSession({ storage, auth, probe, now }: SessionParts): Session {
  let held = readHeld(storage);
  const who = signal(whoOf(held));
  const isExpired = signal(false);
  let renewing: Promise<string | undefined> | undefined;

  const hold = (next: Held | undefined): void => {
    held = next;
    if (next === undefined) storage.removeItem(KEY);
    else storage.setItem(KEY, JSON.stringify(next));
    // The same person again: what is on the screens is theirs, and stays.
    if (JSON.stringify(whoOf(next)) !== JSON.stringify(who.value)) who.value = whoOf(next);
    isExpired.value = false;
  };
  const expire = (refused: string): void => {
    // An answer that comes late may be of a login that was replaced meanwhile.
    if (held === undefined || tokenOf(held) !== refused) return;
    held = undefined;
    storage.removeItem(KEY);
    isExpired.value = who.value !== undefined;
  };
  const renew = async (person: Extract<Held, { kind: "person" }>): Promise<string | undefined> => {
    try {
      const renewed = { ...person, ...(await auth?.renew(person.refreshToken)) };
      if (held === person) hold(renewed);
      return renewed.accessToken;
    } catch (error) {
      // Auth may be away for a moment: the token is good for some seconds still, and policy has the last word.
      const isOver = error instanceof ApiError && error.status === 401;
      if (!isOver || held !== person) return person.accessToken;
      expire(person.accessToken);
      return undefined;
    }
  };
  return {
    who,
    isExpired,
    expire,
    async token() {
      if (held?.kind !== "person") return held?.token;
      if (held.expiresAt - now() > RENEW_BEFORE_MS) return held.accessToken;
      renewing ??= renew(held).finally(() => (renewing = undefined));
      return renewing;
    },
    async logInAsOperator(token) {
      await probe("/v1/tenants", token);
      hold({ kind: "operator", token });
    },
    async logInAsPerson(credentials) {
      if (auth === undefined) throw noLogin();
      const person = await auth.logIn(credentials);
      await probe(`/v1/tenants/${encodeURIComponent(person.tenant)}`, person.accessToken).catch((error: unknown) => {
        void auth.logOut(person.refreshToken);
        throw error instanceof ApiError && error.status === 403 ? notAdmin(person) : error;
      });
      hold({ kind: "person", ...person });
    },
    logOut() {
      if (held?.kind === "person") void auth?.logOut(held.refreshToken);
      hold(undefined);
    },
  };
}

function tokenOf(held: Held): string {
  return held.kind === "person" ? held.accessToken : held.token;
}

function readHeld(storage: Storage): Held | undefined {
  const text = storage.getItem(KEY);
  return text === null ? undefined : (JSON.parse(text) as Held);
}

function whoOf(held: Held | undefined): Who | undefined {
  if (held?.kind !== "person") return held && { kind: "operator" };
  return { kind: "person", tenant: held.tenant, subject: held.subject };
}

function noLogin(): ApiError {
  return refusal("there is no login for people here; use an operator's token");
}

function notAdmin({ subject, tenant }: { readonly subject: string; readonly tenant: string }): ApiError {
  return refusal(`${subject} needs the permission policy:admin in ${tenant} to use the console`);
}

function refusal(message: string): ApiError {
  return new ApiError({ status: 403, code: "forbidden", message, requestId: undefined, retryAfter: undefined });
}
