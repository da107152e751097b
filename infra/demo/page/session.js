import { callService, ServiceError } from "./services.js";

/** An access token with less than this left is not worth sending. */
const MIN_LEFT_MS = 30_000;

/**
 * The person's session with auth. The tokens live in cookies that no script can read, for the stream; the access token is
 * kept in memory besides, for calls that must not rest on a cookie.
 */
export class Session {
  #authUrl;
  #accessToken;
  #expiresAt = 0;
  #refreshing;
  #timer;
  /** Who is logged in, `{ name, tenant }`; undefined when nobody is. */
  user;

  constructor(authUrl) {
    this.#authUrl = `${authUrl}/v1/auth`;
  }

  /** Throws ServiceError when auth refuses or does not answer. */
  async logIn(tenant, username, password) {
    const body = { tenant, username, password };
    this.#keep(await callService(`${this.#authUrl}/login`, { method: "POST", body }));
  }

  /**
   * Renews both tokens by the cookie. Answers whether there is a session; throws ServiceError when auth does not answer, so
   * that nobody knows.
   */
  refresh() {
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  /** An access token that is good for a while yet. Throws ServiceError when there is no session any more. */
  async accessToken() {
    if (this.#expiresAt - Date.now() < MIN_LEFT_MS && !(await this.refresh())) {
      throw new ServiceError("your session is over; log in again", 401);
    }
    return this.#accessToken;
  }

  /** Ends the session; auth cuts its streams. Throws ServiceError when the session may still be there. */
  async logOut() {
    await callService(`${this.#authUrl}/logout`, { method: "POST" }).catch((error) => {
      if (error.status !== 401) throw error;
    });
    this.#forget();
  }

  async #refresh() {
    try {
      this.#keep(await callService(`${this.#authUrl}/refresh`, { method: "POST" }));
      return true;
    } catch (error) {
      if (error.status !== 401) throw error;
      this.#forget();
      return false;
    }
  }

  #keep({ access_token, expires_in }) {
    const { sub, tenant_id } = claimsOf(access_token);
    this.user = { name: sub, tenant: tenant_id };
    this.#accessToken = access_token;
    this.#expiresAt = Date.now() + expires_in * 1_000;
    clearTimeout(this.#timer);
    // An EventSource that reconnects by itself sends the cookie as it is: it must hold a live token at all times.
    this.#timer = setTimeout(() => this.refresh().catch(() => {}), expires_in * 800);
  }

  #forget() {
    clearTimeout(this.#timer);
    this.user = undefined;
    this.#accessToken = undefined;
    this.#expiresAt = 0;
  }
}

/** What the token says, unchecked: for display alone. */
function claimsOf(token) {
  const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
  return JSON.parse(atob(payload));
}
