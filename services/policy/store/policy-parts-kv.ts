import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { openBucket } from "#shared/nats/open-bucket.ts";
import { isPartRef, type PartRef } from "../versions/policy-parts.ts";
import { answered } from "./answered.ts";

/** The bucket of what policies consist of: one key for each document and each shard of bindings. */
const PARTS_BUCKET = "sluice_policy_parts";
const STREAM = `KV_${PARTS_BUCKET}`;
const ROOM = { reserved: 128 * 1024 * 1024, most: 16 * 1024 * 1024 * 1024 };
const SUBJECT_PREFIX = `$KV.${PARTS_BUCKET}.`;

/** Parts as one look found them. */
export interface FoundParts {
  /** All that the bucket held was written at this place of it or before. */
  readonly through: number;
  readonly refs: ReadonlyMap<string, readonly PartRef[]>;
}

/** The parts of policies, by tenant. No part ever changes. Every method throws `unavailable` when the store does not answer. */
export interface PolicyParts {
  /** @throws {Error} where the part is gone: then the policy is broken. */
  get(tenant: string, ref: PartRef): Promise<Uint8Array>;
  /** Writes a part, also one that is there: it is as new as this call then. */
  put(tenant: string, ref: PartRef, part: Uint8Array): Promise<void>;
  /** The parts of all tenants. */
  find(): Promise<FoundParts>;
  /** Removes a part, unless it was written after that place of the bucket. */
  remove(tenant: string, ref: PartRef, through: number): Promise<void>;
  /** The place where the bucket ends. */
  end(): Promise<number>;
  /** Removes all parts of a tenant that were written up to that place of the bucket. */
  removeAll(tenant: string, through: number): Promise<void>;
}

/**
 * Opens the bucket of parts. Its leader answers every read.
 * @throws {BootError} when it cannot be had.
 */
export async function openPolicyParts(connection: NatsConnection, replicas: number): Promise<PolicyParts> {
  const { streams } = await jetstreamManager(connection, { checkAPI: false });
  const bucket = await openBucket(connection, PARTS_BUCKET, { replicas, room: ROOM });
  // A purge, where a key-value deletion would leave a marker for ever.
  const purge = (filter: string, through: number): Promise<void> =>
    answered(async () => void (await streams.purge(STREAM, { filter, seq: through + 1 })));
  return {
    async get(tenant, ref) {
      const entry = await answered(() => bucket.get(`${tenant}.${ref}`));
      if (entry?.operation === "PUT") return entry.value;
      throw new Error(`a part of the policy of tenant ${tenant} is missing; restore the bucket ${PARTS_BUCKET}`);
    },
    put: (tenant, ref, part) => answered(async () => void (await bucket.put(`${tenant}.${ref}`, part))),
    async find() {
      const filter = { subjects_filter: `${SUBJECT_PREFIX}>` };
      const { state } = await answered(() => streams.info(STREAM, filter));
      return { through: state.last_seq, refs: byTenant(Object.keys(state.subjects ?? {})) };
    },
    remove: (tenant, ref, through) => purge(`${SUBJECT_PREFIX}${tenant}.${ref}`, through),
    end: async () => (await answered(() => streams.info(STREAM))).state.last_seq,
    removeAll: (tenant, through) => purge(`${SUBJECT_PREFIX}${tenant}.>`, through),
  };
}

function byTenant(subjects: readonly string[]): Map<string, PartRef[]> {
  const refs = new Map<string, PartRef[]>();
  for (const subject of subjects) {
    const [tenant = "", ref = ""] = subject.slice(SUBJECT_PREFIX.length).split(".");
    if (!isPartRef(ref)) continue;
    const found = refs.get(tenant) ?? [];
    found.push(ref);
    refs.set(tenant, found);
  }
  return refs;
}
