import { toAppError } from "#shared/errors/app-error.ts";
import type { Observer } from "../observe/observer.ts";
import { isOffForAll } from "../transports/transports.ts";
import type { Stream } from "./hub.ts";
import type { Tenant } from "./tenant.ts";

/** Finds the open streams whose transport their tenant has turned off for everybody. */
export class TransportSwitches {
  readonly #observer: Pick<Observer, "fault">;
  readonly #asked = new WeakSet<Tenant>();

  constructor(observer: Pick<Observer, "fault">) {
    this.#observer = observer;
  }

  /** Whether a stream is to end. Where a later policy was announced than the limits are of, they are asked for: nobody else may. */
  endStream({ tenant, reader }: Stream): boolean {
    const { origin } = reader.record;
    if (origin === undefined || origin.transport === "sse") return false;
    const { currentLimits, limits } = tenant.decisions;
    if (currentLimits === undefined) this.#ask(tenant, reader.registration.subject);
    return isOffForAll(origin.transport, limits);
  }

  #ask(tenant: Tenant, subject: Parameters<Tenant["decisions"]["resolve"]>[0]): void {
    if (this.#asked.has(tenant)) return;
    this.#asked.add(tenant);
    const asking = tenant.decisions.resolve(subject).catch((error: unknown) => {
      // What is asked for in vain is asked for again a second later.
      if (toAppError(error).code === "internal") this.#observer.fault(error);
    });
    void asking.finally(() => this.#asked.delete(tenant));
  }
}
