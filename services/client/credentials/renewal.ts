import type { Environment } from "../environment/environment.ts";
import type { Credentials } from "./credentials.ts";

/** The edge itself prolongs a session 30 to 60 s before its end, where it can: a token is fetched after that, 10 to 25 s before. */
const BEFORE_MS = 10_000;
const SPREAD_MS = 15_000;

/** Fetches a fresh token before an open stream's right ends, and has the stream go on by it. */
export class Renewal {
  readonly #environment: Pick<Environment, "now" | "random" | "after">;
  readonly #credentials: Credentials;
  readonly #rebind: (token: string | undefined) => Promise<void>;
  #cancel: () => void = () => {};

  constructor(
    environment: Pick<Environment, "now" | "random" | "after">,
    credentials: Credentials,
    rebind: (token: string | undefined) => Promise<void>,
  ) {
    this.#environment = environment;
    this.#credentials = credentials;
    this.#rebind = rebind;
  }

  /** The right ends then, RFC 3339. One that ends too soon for a renewal is left to its end: the edge says so, and asks for another token. */
  plan(expiresAt: string): void {
    this.cancel();
    const { now, random, after } = this.#environment;
    const inMs = Date.parse(expiresAt) - now() - BEFORE_MS - SPREAD_MS * random();
    if (!this.#credentials.canRefresh || !(inMs > 0)) return;
    this.#cancel = after(inMs, () => void this.#renew());
  }

  /** No stream is open any more. */
  cancel(): void {
    this.#cancel();
  }

  async #renew(): Promise<void> {
    try {
      if ((await this.#credentials.refresh()) === "fresh") await this.#rebind(this.#credentials.token);
    } catch {
      // The stream ends with `expired`, and its next connection fetches a token anew.
    }
  }
}
