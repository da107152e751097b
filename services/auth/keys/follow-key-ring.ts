import { randomBytes } from "node:crypto";
import { poll, type Poll } from "#shared/async/poll.ts";
import { BootError } from "#shared/config/read-config.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import type { Clock } from "#shared/time/clock.ts";
import { advance, emptyRing, type KeyPlan, type KeyRing } from "./key-ring.ts";
import { makeKey } from "./make-key.ts";
import { type Keys, type OpenedKeys, openKeys, REFRESH_KEY_NAME } from "./open-keys.ts";
import type { Sealer } from "./seal.ts";

/** How often the ring is read. It is read rather than watched: an answer of its leader also says that what we know is current. */
const READ_EVERY_MS = 1_000;

/** A process that has not heard of the ring for this long signs nothing: its key may have been retired or withdrawn. */
export const MAX_UNHEARD_MS = 30_000;

/** Where all auth processes keep the one ring. */
export interface KeyRingStore {
  /** The stored entry, as its leader has it; throws AppError `unavailable`. */
  read(): Promise<StoredRing>;
  /** Stores the ring if the revision is still the last one, and says whether; throws AppError `unavailable`. */
  replace(ring: KeyRing, revision: number): Promise<boolean>;
}

/** What the store holds. The revision of what was never there is 0. */
export interface StoredRing {
  readonly ring: KeyRing | "unreadable" | undefined;
  readonly revision: number;
}

/** The store of the ring, what opens its keys, and the times that it is kept by. */
export interface FollowKeyRingDeps {
  readonly store: KeyRingStore;
  readonly sealer: Sealer;
  readonly plan: KeyPlan;
  readonly clock: Clock;
  readonly log: Logger;
  /** Replaces a ring that was never encrypted. */
  readonly isDemo: boolean;
}

/** The ring that this process uses. */
export class FollowedKeyRing implements Keys, Disposable {
  readonly #deps: FollowKeyRingDeps;
  #reading: Poll | undefined;
  #isDisposed = false;
  #ring: KeyRing;
  #keys: OpenedKeys;
  #revision: number;
  #heardAt: number;
  #fault: string | undefined;

  constructor(deps: FollowKeyRingDeps, { ring, keys, revision }: Adopted) {
    this.#deps = deps;
    this.#ring = ring;
    this.#keys = keys;
    this.#revision = revision;
    this.#heardAt = deps.clock.monotonic();
  }

  get ring(): KeyRing {
    return this.#ring;
  }

  get signing() {
    const { signing } = this.#keys;
    const isCurrent = this.#deps.clock.monotonic() - this.#heardAt < MAX_UNHEARD_MS;
    if (signing !== undefined && isCurrent) return signing;
    throw new AppError("unavailable", "which key signs is not known right now; try again");
  }

  get jwks() {
    return this.#keys.jwks;
  }

  get published() {
    return this.#keys.published;
  }

  get refresh() {
    return this.#keys.refresh;
  }

  /** Why the stored ring is not used; undefined when it is. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Reads the ring again and again until disposed. */
  follow(): void {
    this.#reading ??= poll(READ_EVERY_MS, () => this.update());
  }

  /** Reads the ring once and moves it on where its time has come. What cannot be used changes nothing. */
  async update(): Promise<void> {
    const askedAt = this.#deps.clock.monotonic();
    try {
      const adopted = await step(this.#deps, this.#revision);
      this.#heardAt = askedAt;
      if (adopted !== undefined) ({ ring: this.#ring, keys: this.#keys, revision: this.#revision } = adopted);
      this.#report(undefined);
    } catch (error) {
      // What nobody can read nobody can have changed either: the last good ring is still the truth.
      if (error instanceof UnreadableRing) this.#heardAt = askedAt;
      this.#report((error as Error).message);
    }
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#reading?.[Symbol.dispose]();
  }

  #report(fault: string | undefined): void {
    if (fault === this.#fault || this.#isDisposed) return;
    this.#fault = fault;
    if (fault === undefined) this.#deps.log.info("the stored ring of keys is in force again");
    else this.#deps.log.error({ reason: fault }, "the stored ring of keys cannot be used; the last good one stays");
  }
}

/**
 * Takes the ring from the store, and makes it where there is none. Processes that start at the same time end with the same.
 * @throws {AppError} `unavailable` when the store does not answer.
 * @throws {BootError} when the stored entry cannot be used.
 */
export async function openKeyRing(deps: FollowKeyRingDeps): Promise<FollowedKeyRing> {
  try {
    return new FollowedKeyRing(deps, (await step(deps, undefined)) as Adopted);
  } catch (error) {
    throw error instanceof AppError ? error : new BootError((error as Error).message);
  }
}

interface Adopted {
  readonly ring: KeyRing;
  readonly keys: OpenedKeys;
  readonly revision: number;
}

/** The stored entry is no ring, for any process. */
class UnreadableRing extends Error {}

/** Reads the ring, moves it on, and opens it; undefined when it is the one of the known revision. */
async function step(deps: FollowKeyRingDeps, known: number | undefined): Promise<Adopted | undefined> {
  const { store, sealer, plan, clock } = deps;
  for (;;) {
    const { ring: stored, revision } = await store.read();
    const ring = usable(stored, deps, known === undefined);
    const now = clock.wall();
    const next = advance(ring, now, plan, () => makeKey(plan.algorithm, sealer, now));
    if (next !== stored) {
      open(ring, sealer);
      // Whoever stored it, the next read says what the ring is now.
      await store.replace(next, revision);
    } else if (revision === known) return undefined;
    else return { ring, keys: open(ring, sealer), revision };
  }
}

function usable(stored: StoredRing["ring"], { sealer, isDemo, log }: FollowKeyRingDeps, isBoot: boolean): KeyRing {
  if (isBoot && (stored === undefined || (stored === "unreadable" && isDemo))) {
    if (stored !== undefined) log.warn("the stored ring of keys is not encrypted: the demo makes a new one");
    return emptyRing(sealer.seal(REFRESH_KEY_NAME, randomBytes(32)));
  }
  if (stored === undefined) throw new UnreadableRing("the ring of keys is gone from the bucket sluice_keys");
  if (stored !== "unreadable") return stored;
  throw new UnreadableRing(
    "what stands in the bucket sluice_keys is not a ring of encrypted keys; restore it, or delete the bucket and log everybody out",
  );
}

function open(ring: KeyRing, sealer: Sealer): OpenedKeys {
  try {
    return openKeys(ring, sealer);
  } catch {
    throw new Error(
      "the ring of keys was encrypted with another key; check AUTH_KEY_ENCRYPTION_KEY_FILE or AUTH_KEY_ENCRYPTION_KEY",
    );
  }
}
