import { isAtLeast, isSameVersion, type Version } from "#shared/contract/version.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { compilePolicy } from "./compile-policy.ts";
import type { DocumentCompiler } from "./document-compiler.ts";
import type { Snapshot } from "../decide/snapshot.ts";
import { BROKEN_DOCUMENT, faultText } from "../document/fault.ts";
import type { PolicyStore } from "./policy-store.ts";
import type { Lifecycle, StoredPolicy } from "./stored-policy.ts";

/** What snapshots are made of. */
export interface SnapshotsDeps {
  readonly store: Pick<PolicyStore, "read">;
  readonly compiler: Pick<DocumentCompiler, "compile">;
  /** Called when a tenant's snapshot is put in force; without one when the tenant is no more. */
  readonly onSwap: (tenant: string, snapshot: Snapshot | undefined) => void;
}

/** A version that is being compiled for whoever asks for it meanwhile. */
interface Compiling {
  readonly version: Version;
  readonly snapshot: Promise<Snapshot>;
}

/** The snapshot in force of each tenant, as far as this process knows. A tenant's version never goes back. */
export class Snapshots {
  readonly #held = new Map<string, Snapshot>();
  readonly #compiling = new Map<string, Compiling>();
  readonly #deps: SnapshotsDeps;

  constructor(deps: SnapshotsDeps) {
    this.#deps = deps;
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
    const stored = await this.#deps.store.read(tenant);
    if (stored === undefined) throw tenantUnknown();
    const fresh = await this.adopt(tenant, stored.policy).catch((error: unknown) => {
      if (error instanceof AppError) throw error;
      const { version, lifecycle } = stored.policy;
      return { version, standing: lifecycle, brokenBy: error };
    });
    if (wanted !== undefined && !isAtLeast(fresh.version, wanted)) {
      throw new AppError("unavailable", `version ${wanted.number} of the policy has not arrived here yet`);
    }
    if (!isInUse(fresh)) throw notInUse(fresh);
    if ("brokenBy" in fresh) throw new AppError("unavailable", BROKEN_DOCUMENT, { cause: fresh.brokenBy });
    return fresh;
  }

  /** Lets go of a tenant that the store does not have any more. */
  forget(tenant: string): void {
    this.#compiling.delete(tenant);
    if (this.#held.delete(tenant)) this.#deps.onSwap(tenant, undefined);
  }

  /** The tenant's snapshot in force, where this process has one. */
  find(tenant: string): Snapshot | undefined {
    return this.#held.get(tenant);
  }

  /** Takes in a stored policy and answers the snapshot in force then: the policy's, unless a newer one is held already. */
  async adopt(tenant: string, policy: StoredPolicy): Promise<Snapshot> {
    const held = this.#held.get(tenant);
    if (held !== undefined && !isNewer(policy.version, held.version)) return held;
    const known = this.#compiling.get(tenant);
    const compiling =
      known !== undefined && isSameVersion(known.version, policy.version) ? known : this.#begin(tenant, policy);
    const snapshot = await compiling.snapshot;
    // A tenant that was let go meanwhile is not held again.
    if (this.#compiling.get(tenant) !== compiling) return this.#newest(tenant, snapshot);
    this.#compiling.delete(tenant);
    return this.swap(snapshot);
  }

  /** Puts a snapshot in force, unless a newer one is held already. */
  swap(snapshot: Snapshot): Snapshot {
    const { tenant } = snapshot.document;
    const newest = this.#newest(tenant, snapshot);
    if (newest !== snapshot) return newest;
    this.#held.set(tenant, snapshot);
    this.#deps.onSwap(tenant, snapshot);
    return snapshot;
  }

  /** The snapshots in force. */
  held(): readonly Snapshot[] {
    return [...this.#held.values()];
  }

  /**
   * The snapshot of exactly this stored policy.
   * @throws {AppError} where it cannot be had now; anything else where the policy is broken.
   */
  async compile(tenant: string, policy: StoredPolicy): Promise<Snapshot> {
    const held = this.#held.get(tenant);
    if (held !== undefined && isSameVersion(held.version, policy.version)) return held;
    const storedAt = policy.at;
    const compiling = { storedAt, asksCases: false, known: held };
    const compiled = await compilePolicy(this.#deps.compiler, tenant, policy.version, policy, compiling);
    if (compiled.faults === undefined) return compiled.snapshot;
    throw new Error(`the stored policy of tenant ${tenant} is broken: ${compiled.faults.map(faultText).join("; ")}`);
  }

  #begin(tenant: string, policy: StoredPolicy): Compiling {
    const compiling = { version: policy.version, snapshot: this.compile(tenant, policy) };
    this.#compiling.set(tenant, compiling);
    compiling.snapshot.catch(() => {
      if (this.#compiling.get(tenant) === compiling) this.#compiling.delete(tenant);
    });
    return compiling;
  }

  #newest(tenant: string, snapshot: Snapshot): Snapshot {
    const held = this.#held.get(tenant);
    return held !== undefined && !isNewer(snapshot.version, held.version) ? held : snapshot;
  }
}

interface Standing {
  readonly standing?: Pick<Lifecycle, "state">;
}

function isInUse({ standing }: Standing): boolean {
  return standing === undefined || standing.state === "active";
}

function notInUse({ standing }: Standing): AppError {
  return standing?.state === "suspended"
    ? new AppError("tenant_suspended", "this tenant is suspended")
    : tenantUnknown();
}

function tenantUnknown(): AppError {
  return new AppError("tenant_unknown", "there is no such tenant");
}

/** A store that lost its tail gives a number out again with another build: then its word counts. */
function isNewer(a: Version, b: Version): boolean {
  return a.number > b.number || (a.number === b.number && a.build !== b.build);
}
