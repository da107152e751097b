import { isAtLeast, isSameVersion, type Version } from "#shared/contract/version.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { compilePolicy } from "./compile-policy.ts";
import type { Snapshot } from "../decide/snapshot.ts";
import { faultText } from "../document/fault.ts";
import type { PolicyStore } from "./policy-store.ts";
import type { StoredPolicy } from "./stored-policy.ts";

/** The snapshot in force of each tenant, as far as this process knows. A tenant's version never goes back. */
export class Snapshots {
  readonly #held = new Map<string, Snapshot>();
  readonly #store: Pick<PolicyStore, "read">;
  readonly #onSwap: (tenant: string, snapshot: Snapshot | undefined) => void;

  constructor(store: Pick<PolicyStore, "read">, onSwap: (tenant: string, snapshot: Snapshot | undefined) => void) {
    this.#store = store;
    this.#onSwap = onSwap;
  }

  /**
   * The tenant's snapshot, of at least that version; without one, as the store says at the time of asking or later. A tenant
   * is refused only by the store's own word: it may have been resumed a moment ago.
   * @throws {AppError} `tenant_unknown`, also for a deleted tenant; `tenant_suspended`; `unavailable` when the store is behind
   * that version or does not answer.
   */
  async atLeast(tenant: string, wanted?: Version): Promise<Snapshot> {
    const held = this.#held.get(tenant);
    if (wanted !== undefined && held !== undefined && isInUse(held) && isAtLeast(held.version, wanted)) return held;
    const stored = await this.#store.read(tenant);
    if (stored === undefined) throw tenantUnknown();
    const fresh = this.adopt(tenant, stored.policy);
    if (wanted !== undefined && !isAtLeast(fresh.version, wanted)) {
      throw new AppError("unavailable", `version ${wanted.number} of the policy has not arrived here yet`);
    }
    if (isInUse(fresh)) return fresh;
    throw fresh.standing?.state === "suspended"
      ? new AppError("tenant_suspended", "this tenant is suspended")
      : tenantUnknown();
  }

  /** Lets go of a tenant that the store does not have any more. */
  forget(tenant: string): void {
    if (this.#held.delete(tenant)) this.#onSwap(tenant, undefined);
  }

  /** The tenant's snapshot in force, where this process has one. */
  find(tenant: string): Snapshot | undefined {
    return this.#held.get(tenant);
  }

  /** Takes in a stored policy and answers the snapshot in force then: the policy's, unless a newer one is held already. */
  adopt(tenant: string, policy: StoredPolicy): Snapshot {
    const held = this.#held.get(tenant);
    if (held !== undefined && !isNewer(policy.version, held.version)) return held;
    return this.swap(this.compile(tenant, policy));
  }

  /** Puts a snapshot in force, unless a newer one is held already. */
  swap(snapshot: Snapshot): Snapshot {
    const { tenant } = snapshot.document;
    const held = this.#held.get(tenant);
    if (held !== undefined && !isNewer(snapshot.version, held.version)) return held;
    this.#held.set(tenant, snapshot);
    this.#onSwap(tenant, snapshot);
    return snapshot;
  }

  /** The snapshots in force. */
  held(): readonly Snapshot[] {
    return [...this.#held.values()];
  }

  /** The snapshot of exactly this stored policy. */
  compile(tenant: string, policy: StoredPolicy): Snapshot {
    const held = this.#held.get(tenant);
    if (held !== undefined && isSameVersion(held.version, policy.version)) return held;
    const compiled = compilePolicy(tenant, policy.version, policy, {
      storedAt: policy.at,
      asksCases: false,
      known: held,
    });
    if (compiled.faults === undefined) return compiled.snapshot;
    throw new Error(`the stored policy of tenant ${tenant} is broken: ${compiled.faults.map(faultText).join("; ")}`);
  }
}

function isInUse({ standing }: Snapshot): boolean {
  return standing === undefined || standing.state === "active";
}

function tenantUnknown(): AppError {
  return new AppError("tenant_unknown", "there is no such tenant");
}

/** A store that lost its tail gives a number out again with another build: then its word counts. */
function isNewer(a: Version, b: Version): boolean {
  return a.number > b.number || (a.number === b.number && a.build !== b.build);
}
