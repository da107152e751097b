import type { Environment, LifeSign } from "./environment.ts";

/** The word of a browser that there is no network is believed for so long: some say so of a machine that has one. */
const OFFLINE_MS = 60_000;

/** Devices that get their network back together do not all ask in the same moment. */
const SPREAD_MS = 1_000;

/** Who is told when the page goes away, and when it is looked at again. */
interface AbsenceListener {
  /** A connection cannot be kept. */
  onLeave(reason: "network" | "suspended"): void;
  /** Timers may have slept. */
  onLook(): void;
}

/** Whether a page is frozen, or without a network; and waits that end early when that changes. */
export class Absence {
  readonly #environment: Pick<Environment, "after" | "random" | "watch">;
  readonly #listener: AbsenceListener;
  readonly #unwatch: () => void;
  #isSuspended = false;
  #isOffline = false;
  #endWait: () => void = () => {};

  constructor(environment: Pick<Environment, "after" | "random" | "watch">, listener: AbsenceListener) {
    this.#environment = environment;
    this.#listener = listener;
    this.#unwatch = environment.watch((sign) => this.#hear(sign));
  }

  /** Waits so long; shorter where the page goes away, its network comes back, or this is closed. */
  async wait(ms: number): Promise<void> {
    if (ms <= 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#environment.after(ms, resolve);
      this.#endWait = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Waits until the page is there and has a network, or may have one. */
  async whileAway(): Promise<void> {
    while (this.#isSuspended) await this.wait(OFFLINE_MS);
    if (!this.#isOffline) return;
    await this.wait(OFFLINE_MS);
    if (this.#isSuspended) return this.whileAway();
    await this.wait(SPREAD_MS * this.#environment.random());
  }

  /** Why the page is away; undefined while it is there. */
  get reason(): "network" | "suspended" | undefined {
    if (this.#isSuspended) return "suspended";
    return this.#isOffline ? "network" : undefined;
  }

  /** A stream is open: there is a network, whatever the browser has said. */
  reach(): void {
    this.#isOffline = false;
  }

  /** Hears nothing any more. */
  close(): void {
    this.#unwatch();
    this.#isSuspended = false;
    this.#isOffline = false;
    this.#endWait();
  }

  #hear(sign: LifeSign): void {
    if (sign === "look") return this.#listener.onLook();
    const before = this.reason;
    if (sign === "suspend" || sign === "wake") this.#isSuspended = sign === "suspend";
    else this.#isOffline = sign === "offline";
    if (this.reason === before) return;
    if (this.reason !== undefined) this.#listener.onLeave(this.reason);
    this.#endWait();
  }
}
