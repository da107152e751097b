import { AppError } from "#shared/errors/app-error.ts";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import type { Transport } from "#shared/protocol/transports.ts";
import type { TenantLimits } from "../admission/tenant-limits.ts";
import { isInShare } from "./is-in-share.ts";
import type { TransportHealth } from "./transport-health.ts";

/** Who asks, as far as it decides about transports. */
export interface TransportAsker {
  readonly tenant: string;
  /** The stable id of the tab or device, or the person where there is none. */
  readonly client: string;
  /** The tenant's limits, as they are known. */
  readonly limits: TenantLimits;
}

/** Who asks, by a person's identity and the client id that the request names. */
export function askerOf(
  { tenant, subject }: { readonly tenant: string; readonly subject: { readonly id: string } },
  client: string | undefined,
  { limits }: { readonly limits: TenantLimits },
): TransportAsker {
  return { tenant, client: client ?? subject.id, limits };
}

/** Which transports of the edge are on, and for whom. */
export class Transports {
  /** Those that the edge speaks. */
  readonly all: readonly Transport[];
  readonly #health: Pick<TransportHealth, "admits">;

  constructor(all: readonly Transport[], health: Pick<TransportHealth, "admits">) {
    this.all = all;
    this.#health = health;
  }

  /** Whether somebody may use a transport: the edge speaks it, and the tenant's share has this client in it. */
  isOn(transport: Transport, { tenant, client, limits }: TransportAsker): boolean {
    if (!this.all.includes(transport)) return false;
    const percent = percentOf(transport, limits);
    return percent >= 100 || isInShare(compositeKey(transport, tenant, client), percent);
  }

  /** The transports that a client is told of: those that are on for it, without the ones that fail for its tenant. */
  offeredTo(asker: TransportAsker | undefined): readonly Transport[] {
    if (asker === undefined) return this.all;
    return this.all.filter((transport) => this.isOn(transport, asker) && this.#health.admits({ transport, ...asker }));
  }

  /** @throws {AppError} `transport_off`, naming those that are on. */
  requireOn(transport: Transport, asker: TransportAsker | undefined): void {
    if (asker === undefined ? this.all.includes(transport) : this.isOn(transport, asker)) return;
    const on = this.offeredTo(asker).join(", ");
    throw new AppError("transport_off", `${transport} is not on here for this client; take one of ${on}`);
  }
}

/** Whether a tenant has turned a transport off for everybody. */
export function isOffForAll(transport: Transport, limits: TenantLimits): boolean {
  return percentOf(transport, limits) === 0;
}

function percentOf(transport: Transport, limits: TenantLimits): number {
  if (transport === "sse") return 100;
  return limits[`${transport}Percent`] ?? 100;
}
