import { setTimeout as delay } from "node:timers/promises";
import { monotonicMs } from "#test/support/checker/ledger.ts";
import type { Login } from "#test/support/start-stack.ts";
import { inTurn, retry } from "../retry.ts";

/** An access token lives a minute in these stacks; a client renews it in time. */
const REFRESH_EVERY_MS = 20_000;

/** Somebody who is logged in, and stays so. */
export interface Person extends AsyncDisposable {
  /** The access token of the moment. */
  readonly token: () => string;
  /** Renews the tokens at once, as a client does that was refused with them. */
  readonly renew: () => void;
  /** How often the session was gone, though nobody had ended it: the person had to log in again. */
  readonly lostSessions: number;
  /** Ends the session for good; answers when that was asked for, and when it was acknowledged, which is never where auth knew no such session. */
  logOut(): Promise<{ readonly askedAt: number; readonly acknowledgedAt: number }>;
}

/** Logs in at one of these processes of auth, as soon as one of them answers, and keeps the session. */
export async function logIn(authUrls: readonly string[], tenant: string, username: string): Promise<Person> {
  const stopping = new AbortController();
  const stop = stopping.signal;
  const post = async (path: string, body: object, signal: AbortSignal, tries: number): Promise<Response> => {
    const headers = { "content-type": "application/json" };
    return fetch(inTurn(authUrls, tries) + path, { method: "POST", headers, body: JSON.stringify(body), signal });
  };
  const begin = (): Promise<Login> =>
    retry(
      async (signal, tries) => {
        const answer = await post("/v1/auth/login", { tenant, username, password: "sluice-demo" }, signal, tries);
        if (!answer.ok) throw new Error(`a login was answered with ${answer.status}`);
        return (await answer.json()) as Login;
      },
      { stop },
    );
  /** The next tokens; undefined where the session is gone. */
  const refresh = ({ refresh_token }: Login): Promise<Login | undefined> =>
    retry(
      async (signal, tries) => {
        const answer = await post("/v1/auth/refresh", { refresh_token }, signal, tries);
        if (answer.status === 401) return undefined;
        if (!answer.ok) throw new Error(`a refresh was answered with ${answer.status}`);
        return (await answer.json()) as Login;
      },
      { stop },
    );
  let [login, lostSessions] = [await begin(), 0];
  let waiting = new AbortController();
  const keeping = (async () => {
    for (;;) {
      waiting = new AbortController();
      await delay(REFRESH_EVERY_MS, undefined, { signal: AbortSignal.any([stop, waiting.signal]) }).catch(() => {});
      stop.throwIfAborted();
      const next = await refresh(login);
      if (next === undefined) lostSessions += 1;
      login = next ?? (await begin());
    }
  })().catch(() => {});
  const rest = async (): Promise<void> => {
    stopping.abort();
    await keeping;
  };
  return {
    token: () => login.access_token,
    renew: () => waiting.abort(),
    get lostSessions() {
      return lostSessions;
    },
    async logOut() {
      await rest();
      const askedAt = monotonicMs();
      const status = await retry(async (signal, tries) => {
        const headers = { authorization: `Bearer ${login.access_token}` };
        const url = `${inTurn(authUrls, tries)}/v1/auth/logout`;
        const answer = await fetch(url, { method: "POST", headers, signal });
        if (answer.status !== 204 && answer.status !== 401)
          throw new Error(`a logout was answered with ${answer.status}`);
        return answer.status;
      });
      // 401: an attempt before this one has ended it, or the session is gone for another reason.
      return { askedAt, acknowledgedAt: status === 204 ? monotonicMs() : Number.MAX_SAFE_INTEGER };
    },
    [Symbol.asyncDispose]: rest,
  };
}
