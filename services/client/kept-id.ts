import type { Environment } from "./environment/environment.ts";
import type { StreamOptions } from "./options.ts";

/** A write to a page's storage blocks the page: it is made at most so often, and when the page is left. */
const BETWEEN_MS = 1_000;

/** The last id of a stream, kept over a reload of its page. */
export class KeptId {
  readonly #environment: Pick<Environment, "session" | "now" | "watch">;
  readonly #key: string;
  readonly #unwatch: () => void;
  #id: string | undefined;
  #writtenAt = -Infinity;

  constructor(
    { url, topics = [], client = "" }: StreamOptions,
    environment: Pick<Environment, "session" | "now" | "watch">,
  ) {
    this.#environment = environment;
    this.#key = `sluice-id:${JSON.stringify([url, client, [...topics].toSorted()])}`;
    this.#id = environment.session?.getItem(this.#key) ?? undefined;
    this.#unwatch = environment.watch((sign) => sign === "suspend" && this.#write());
  }

  /** The last id that was kept; undefined where there is none. */
  get last(): string | undefined {
    return this.#id;
  }

  /** Everything up to this id was handed on. */
  keep(id: string): void {
    this.#id = id;
    if (this.#environment.now() - this.#writtenAt >= BETWEEN_MS) this.#write();
  }

  /** Keeps what is not written yet, and no more. */
  close(): void {
    this.#write();
    this.#unwatch();
  }

  #write(): void {
    if (!this.#id) return;
    this.#writtenAt = this.#environment.now();
    try {
      this.#environment.session?.setItem(this.#key, this.#id);
    } catch {
      // The page's storage is full: the next page begins where its options say.
    }
  }
}
