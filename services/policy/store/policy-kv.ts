import { jetstreamManager } from "@nats-io/jetstream";
import type { KV, KvEntry } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { setTimeout as delay } from "node:timers/promises";
import { BootError } from "#shared/config/read-config.ts";
import { isName } from "#shared/protocol/names.ts";
import { orUnavailable } from "#shared/async/or-unavailable.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { openBucket } from "#shared/nats/open-bucket.ts";
import { backoffMs } from "#shared/time/backoff.ts";
import { isLostRace } from "#shared/nats/is-lost-race.ts";
import type { PolicyStore, StoredRevision } from "../versions/policy-store.ts";
import { decodeStoredPolicy, encodeStoredPolicy, type StoredPolicy } from "../versions/stored-policy.ts";

/** The bucket of policies: one key for each tenant. */
export const BUCKET = "sluice_policy";
const STREAM = `KV_${BUCKET}`;
const SUBJECT_PREFIX = `$KV.${BUCKET}.`;
/** How many versions of a policy are kept. */
export const HISTORY = 64;

/** Headers and the subject travel in the same message as the value. */
const MESSAGE_OVERHEAD_BYTES = 1_024;

type OnPolicyChange = (tenant: string, policy: StoredPolicy | undefined) => void;

/** A store whose changes, also those of other processes, can be followed. */
export interface WatchedPolicyStore extends PolicyStore {
  /**
   * Calls `onChange` for the policy of each tenant, then for each change, until `stop`; without a policy for a tenant
   * that is no more. Changes may come late.
   */
  follow(onChange: OnPolicyChange, stop: AbortSignal): Promise<void>;
}

/**
 * Opens the bucket of policies. Its leader answers every read.
 * @throws {BootError} when it cannot be had, or was made with too short a history.
 */
export async function openPolicyKv(
  connection: NatsConnection,
  replicas: number,
  log: Logger,
): Promise<WatchedPolicyStore> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const bucket = await openBucket(connection, BUCKET, { replicas, history: HISTORY });
  await requireHistory(bucket);
  const maxValueBytes = (connection.info?.max_payload ?? 1024 * 1024) - MESSAGE_OVERHEAD_BYTES;
  return {
    read: async (tenant) => revisionOf(await answered(() => bucket.get(tenant))),
    replace: (tenant, policy, revision) => replace(bucket, maxValueBytes, tenant, policy, revision),
    history: async (tenant) => (await answered(() => readHistory(bucket, tenant))).map(decodeStoredPolicy),
    tenants: () =>
      answered(async () => {
        const { state } = await manager.streams.info(STREAM, { subjects_filter: `${SUBJECT_PREFIX}*` });
        const keys = Object.keys(state.subjects ?? {}).map((subject) => subject.slice(SUBJECT_PREFIX.length));
        return keys.filter(isName).toSorted();
      }),
    follow: (onChange, stop) => follow(bucket, onChange, stop, log),
  };
}

async function requireHistory(bucket: KV): Promise<void> {
  const { history } = await bucket.status();
  if (history < HISTORY) {
    throw new BootError(`the bucket ${BUCKET} keeps ${history} versions (max_msgs_per_subject), ${HISTORY} are needed`);
  }
}

function revisionOf(entry: KvEntry | null): StoredRevision | undefined {
  if (entry === null || entry.operation !== "PUT") return undefined;
  return { policy: decodeStoredPolicy(entry.string()), revision: entry.revision };
}

async function replace(
  bucket: KV,
  maxValueBytes: number,
  tenant: string,
  policy: StoredPolicy,
  revision: number | undefined,
): Promise<boolean> {
  const whole = Buffer.from(encodeStoredPolicy(policy));
  // What changed is worth less than the change: it is left out where there is no room for it.
  const value = whole.length > maxValueBytes ? Buffer.from(encodeStoredPolicy({ ...policy, diff: undefined })) : whole;
  if (value.length > maxValueBytes) {
    const message = `the policy with its bindings takes ${value.length} bytes, the store takes ${maxValueBytes}`;
    throw new AppError("body_too_large", message);
  }
  return answered(async () => {
    try {
      await (revision === undefined ? bucket.create(tenant, value) : bucket.update(tenant, value, revision));
      return true;
    } catch (error) {
      if (isLostRace(error)) return false;
      throw error;
    }
  });
}

async function readHistory(bucket: KV, tenant: string): Promise<string[]> {
  const values: string[] = [];
  for await (const entry of await bucket.history({ key: tenant })) {
    if (entry.operation === "PUT") values.push(entry.string());
  }
  return values.toReversed();
}

/** A watch ends when its consumer is lost for good; then it begins anew, with the policy of each tenant. */
async function follow(bucket: KV, onChange: OnPolicyChange, stop: AbortSignal, log: Logger): Promise<void> {
  for (let attempt = 0; !stop.aborted; attempt += 1) {
    try {
      const entries = await bucket.watch({ key: "*" });
      const end = (): void => entries.stop();
      stop.addEventListener("abort", end, { once: true });
      if (stop.aborted) end();
      for await (const entry of entries) {
        attempt = 0;
        report(entry, onChange, log);
      }
      stop.removeEventListener("abort", end);
    } catch (error) {
      log.warn({ err: error }, "the policies cannot be followed right now");
    }
    await delay(backoffMs(attempt, { baseMs: 1_000, maxMs: 30_000 }), undefined, { signal: stop }).catch(
      () => undefined,
    );
  }
}

function report(entry: KvEntry, onChange: OnPolicyChange, log: Logger): void {
  try {
    onChange(entry.key, revisionOf(entry)?.policy);
  } catch (error) {
    log.error({ err: error, tenant: entry.key }, "a stored policy cannot be read; the one before stays in force");
  }
}

function answered<T>(ask: () => Promise<T>): Promise<T> {
  return orUnavailable("the store of policies does not answer; try again", ask);
}
