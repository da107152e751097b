import type { Environment } from "../environment/environment.ts";

/** Attempts in one region that bring no stream, before the next region is tried. */
const MAX_ATTEMPTS = 3;

/** After this the first region is asked whether it is back, plus a random part of half of it: clients do not move together. */
const CALM_MS = 600_000;

/** The calm doubles with each return that did not hold, up to this: nobody flaps. */
const MAX_CALM_MS = 4 * 3_600_000;

/** What is kept for all tabs, and for the next visit. */
interface Kept {
  readonly url: string;
  /** When the first region is asked, in milliseconds since 1970. */
  readonly returnAt: number;
}

type Deps = Pick<Environment, "local" | "now" | "random">;

/**
 * Chooses among regions: the first one until three attempts in a row bring no stream, then the next. All tabs of an origin are in
 * one region: what they ask about a stream is asked where it is.
 */
export class RegionChoice {
  readonly #deps: Deps;
  readonly #key: string;
  #urls: readonly string[];
  #kept: Kept | undefined;
  #attempts = 0;
  #calmMs = CALM_MS;

  /** `urls`: of the regions, the best one first, without a slash at the end. */
  constructor(urls: readonly [string, ...string[]], deps: Deps) {
    this.#urls = urls;
    this.#key = `sluice-region:${urls[0]}`;
    this.#deps = deps;
  }

  /** The first region, which `connect` knows. */
  get first(): string {
    return this.#urls[0] ?? "";
  }

  /** Where requests go now. */
  get url(): string {
    const { url } = this.#read() ?? {};
    return url !== undefined && this.#urls.includes(url) ? url : this.first;
  }

  /** When the first region is to be asked whether it is back, in milliseconds since 1970; undefined while it is the one. */
  get returnAt(): number | undefined {
    return this.url === this.first ? undefined : this.#read()?.returnAt;
  }

  /** Adds regions behind those that are known. */
  add(urls: readonly string[]): void {
    this.#urls = [...new Set([...this.#urls, ...urls])];
  }

  /** A stream is asked for: answers where. */
  attempt(): string {
    if (this.#attempts >= MAX_ATTEMPTS) {
      this.#attempts = 0;
      this.#leave();
    }
    this.#attempts += 1;
    return this.url;
  }

  /** A stream is there. */
  opened(): void {
    this.#attempts = 0;
  }

  /** The first region answers again: it is the one from here on. */
  goBack(): void {
    this.#calmMs = Math.min(2 * this.#calmMs, MAX_CALM_MS);
    this.#keep({ url: this.first, returnAt: 0 });
  }

  /** The first region does not answer yet. */
  stay(): void {
    this.#keep({ url: this.url, returnAt: this.#nextReturn() });
  }

  #leave(): void {
    const next = this.#urls[(this.#urls.indexOf(this.url) + 1) % this.#urls.length] ?? this.first;
    this.#keep({ url: next, returnAt: this.#nextReturn() });
  }

  #nextReturn(): number {
    return this.#deps.now() + this.#calmMs * (1 + this.#deps.random() / 2);
  }

  #read(): Kept | undefined {
    try {
      const text = this.#deps.local?.getItem(this.#key);
      if (text) return JSON.parse(text) as Kept;
    } catch {
      // It was somebody else's, or nothing may be read here.
    }
    return this.#kept;
  }

  #keep(kept: Kept): void {
    this.#kept = kept;
    try {
      this.#deps.local?.setItem(this.#key, JSON.stringify(kept));
    } catch {
      // No room, or none for this page: it counts for this tab.
    }
  }
}
