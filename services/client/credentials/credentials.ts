import type { CookieMode, Environment } from "../environment/environment.ts";
import type { StreamOptions } from "../options.ts";
import { readClaims } from "./read-claims.ts";
import { type Refreshed, refreshOnce } from "./refresh-once.ts";

/** What proves who asks. */
export type CredentialOptions = Pick<StreamOptions, "url" | "token" | "credentials" | "refresh">;

/** What became of a refresh: a token that was not refused yet, or a cookie; nobody is logged in; there is no way to refresh. */
export type RefreshResult = "fresh" | "signed_out" | "stale";

/** A token that ends so soon is not used for a request any more. */
const SPARE_MS = 10_000;

/** Other tabs wait for the one that refreshes: it does not take for ever. */
const DEADLINE_MS = 30_000;

/** The token, or the cookie, that a tab's requests are made with. */
export class Credentials {
  /** Which cookies go along with a request. */
  readonly mode: CookieMode;
  readonly #options: CredentialOptions;
  readonly #environment: Environment;
  #token: string | undefined;
  #refreshing: Promise<RefreshResult> | undefined;

  constructor(options: CredentialOptions, environment: Environment) {
    const { token } = options;
    this.mode = options.credentials ?? (token === undefined ? "same-origin" : "omit");
    this.#options = options;
    this.#environment = environment;
    this.#token = typeof token === "string" ? token : undefined;
  }

  /** The present token; undefined where cookies are used, or none was fetched yet. */
  get token(): string | undefined {
    return this.#token;
  }

  /** Whether there is a way to a fresh token or cookie. */
  get canRefresh(): boolean {
    return this.#options.refresh !== undefined || typeof this.#options.token === "function";
  }

  /**
   * Sees to it that there is a token that has not expired, as far as that can be told.
   * @throws what the function that fetches it throws, and an error when it takes longer than 30 s.
   */
  async prepare(): Promise<RefreshResult> {
    if (!this.canRefresh) return "fresh";
    if (this.#token === undefined) return typeof this.#options.token === "function" ? this.refresh() : "fresh";
    const { expiresAt = Infinity } = readClaims(this.#token) ?? {};
    return expiresAt - SPARE_MS > this.#environment.now() ? "fresh" : this.refresh();
  }

  /** Fetches a fresh token, or has the cookie renewed: once for all who ask at the same time, in this tab and in others. @throws as `prepare`. */
  refresh(): Promise<RefreshResult> {
    return (this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined)));
  }

  async #refresh(): Promise<RefreshResult> {
    if (!this.canRefresh) return "stale";
    const before = this.#token;
    const refreshed = await refreshOnce(this.#environment, {
      url: this.#options.url,
      person: readClaims(before ?? "")?.who ?? "",
      refresh: () => this.#fetch(),
      isOwn: (theirs) => this.#isOwn(theirs),
    });
    const { refresh, token } = this.#options;
    this.#token = refreshed.token ?? this.#token;
    if (refresh === undefined && typeof token === "function" && refreshed.token === undefined) {
      this.#token = undefined;
      return "signed_out";
    }
    // A function that gives the same token again has no fresher one; of a cookie nobody can tell.
    return before !== undefined && before === this.#token ? "stale" : "fresh";
  }

  async #fetch(): Promise<Refreshed> {
    const { refresh, token } = this.#options;
    const fetchToken = (refresh ?? token) as () => Promise<string | undefined>;
    const fetched = await new Promise<string | undefined>((resolve, reject) => {
      const cancel = this.#environment.after(DEADLINE_MS, () => reject(new Error("no token")));
      fetchToken().then(resolve, reject).finally(cancel);
    });
    const trimmed = fetched?.trim();
    // Neither a header nor the edge takes it: a page of an error, which another call may not give.
    if (/[^!-~]/.test(trimmed ?? "")) throw new Error("no token");
    return { token: trimmed };
  }

  /**
   * Tabs share their cookies. Tokens they may have of different persons: another tab's counts where it is of the same one, and no
   * older than the one that is refused here.
   */
  #isOwn({ token }: Refreshed): boolean {
    if (token === undefined) return this.#options.token === undefined && this.#token === undefined;
    const [own, theirs] = [readClaims(this.#token ?? ""), readClaims(token)];
    if (own === undefined || theirs === undefined || token === this.#token) return false;
    return own.who === theirs.who && theirs.expiresAt >= own.expiresAt;
  }
}
