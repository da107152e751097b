import { jetstreamManager } from "@nats-io/jetstream";
import type { KV, KvEntry } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { BootError } from "#shared/config/read-config.ts";
import { isName } from "#shared/protocol/names.ts";
import { POLICY_BUCKET } from "#shared/contract/tenant-standing.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { followBucket } from "#shared/nats/follow-bucket.ts";
import { openBucket } from "#shared/nats/open-bucket.ts";
import type { Clock } from "#shared/time/clock.ts";
import { isLostRace } from "#shared/nats/is-lost-race.ts";
import type { PolicyStore, StoredRevision } from "../versions/policy-store.ts";
import { decodeHead, encodeHead, type StoredHead } from "../versions/stored-head.ts";
import type { StoredPolicy } from "../versions/stored-policy.ts";
import { answered } from "./answered.ts";
import { WRITE_HEAD_WITHIN_MS } from "./collect-parts.ts";
import { mapInTurns } from "../work/turns.ts";
import { PolicyContents } from "./policy-contents.ts";
import type { PolicyParts } from "./policy-parts-kv.ts";

/** The bucket of policies: one key for each tenant, with the head of each version. */
export const BUCKET = POLICY_BUCKET;
const STREAM = `KV_${BUCKET}`;
const SUBJECT_PREFIX = `$KV.${BUCKET}.`;
/** How many versions of a policy are kept. */
export const HISTORY = 64;

/** How much the bucket keeps: some kilobytes for each version. */
export const POLICY_ROOM = { reserved: 64 * 1024 * 1024, most: 4 * 1024 * 1024 * 1024 };

/** Headers and the subject travel in the same message as the value. */
const MESSAGE_OVERHEAD_BYTES = 1_024;

type OnPolicyChange = (tenant: string, policy: StoredPolicy | undefined) => Promise<void> | void;

/** A store whose changes, also those of other processes, can be followed. */
export interface WatchedPolicyStore extends PolicyStore {
  /** The versions still kept, newest first, with what they refer to. */
  history(tenant: string): Promise<StoredHead[]>;
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
  parts: PolicyParts,
  { replicas, clock, log }: { readonly replicas: number; readonly clock: Clock; readonly log: Logger },
): Promise<WatchedPolicyStore> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const bucket = await openBucket(connection, BUCKET, { replicas, room: POLICY_ROOM, history: HISTORY });
  await requireHistory(bucket);
  const maxValueBytes = (connection.info?.max_payload ?? 1024 * 1024) - MESSAGE_OVERHEAD_BYTES;
  const contents = new PolicyContents(parts, maxValueBytes);
  const history = async (tenant: string): Promise<StoredHead[]> =>
    mapInTurns(await answered(() => readHistory(bucket, tenant)), decodeHead);
  return {
    read: async (tenant) => readCurrent(contents, tenant, await answered(() => bucket.get(tenant))),
    newest: async (tenant) => decodeEntry(await answered(() => bucket.get(tenant))),
    replace: (tenant, policy, previous) => replace({ bucket, contents, clock }, tenant, policy, previous),
    history,
    async version(tenant, number) {
      const head = (await history(tenant)).find(({ version }) => version.number === number);
      return head && contents.load(tenant, head);
    },
    tenants: () =>
      answered(async () => {
        const { state } = await manager.streams.info(STREAM, { subjects_filter: `${SUBJECT_PREFIX}*` });
        const keys = Object.keys(state.subjects ?? {}).map((subject) => subject.slice(SUBJECT_PREFIX.length));
        return keys.filter(isName).toSorted();
      }),
    follow: (onChange, stop) => follow({ connection, bucket, contents, log }, onChange, stop),
  };
}

async function requireHistory(bucket: KV): Promise<void> {
  const { history } = await bucket.status();
  if (history < HISTORY) {
    throw new BootError(`the bucket ${BUCKET} keeps ${history} versions (max_msgs_per_subject), ${HISTORY} are needed`);
  }
}

async function readCurrent(
  contents: PolicyContents,
  tenant: string,
  entry: KvEntry | null,
): Promise<StoredRevision | undefined> {
  const head = decodeEntry(entry);
  if (entry === null || head === undefined) {
    contents.forget(tenant);
    return undefined;
  }
  const policy = await contents.load(tenant, head);
  contents.remember(tenant, policy);
  return { policy, revision: entry.revision };
}

function decodeEntry(entry: KvEntry | null): StoredHead | undefined {
  return entry?.operation === "PUT" ? decodeHead(entry.string()) : undefined;
}

/** The parts first: a head never refers to what is not there. A process that ends in between leaves parts of no head. */
async function replace(
  { bucket, contents, clock }: { readonly bucket: KV; readonly contents: PolicyContents; readonly clock: Clock },
  tenant: string,
  policy: StoredPolicy,
  previous: StoredRevision | undefined,
): Promise<boolean> {
  const begun = clock.monotonic();
  const value = Buffer.from(encodeHead(policy, await contents.write(tenant, policy, previous?.policy)));
  contents.requireRoom("what a version says of itself", value.length);
  if (clock.monotonic() - begun > WRITE_HEAD_WITHIN_MS) {
    throw new AppError("unavailable", "the store of policies takes too long; try again");
  }
  // Before it is stored: who follows may be told of it before this has its answer, and would read it all.
  contents.remember(tenant, policy);
  const isStored = await answered(() => putHead(bucket, tenant, value, previous?.revision));
  if (!isStored && previous !== undefined) contents.remember(tenant, previous.policy);
  return isStored;
}

async function putHead(bucket: KV, tenant: string, value: Uint8Array, revision: number | undefined): Promise<boolean> {
  try {
    await (revision === undefined ? bucket.create(tenant, value) : bucket.update(tenant, value, revision));
    return true;
  } catch (error) {
    if (isLostRace(error)) return false;
    throw error;
  }
}

async function readHistory(bucket: KV, tenant: string): Promise<string[]> {
  const values: string[] = [];
  for await (const entry of await bucket.history({ key: tenant })) {
    if (entry.operation === "PUT") values.push(entry.string());
  }
  return values.toReversed();
}

interface FollowDeps {
  readonly connection: NatsConnection;
  readonly bucket: KV;
  readonly contents: PolicyContents;
  readonly log: Logger;
}

async function follow(
  { connection, bucket, contents, log }: FollowDeps,
  onChange: OnPolicyChange,
  stop: AbortSignal,
): Promise<void> {
  const turns = new Turns();
  await followBucket(connection, bucket, {
    onEntry: (entry) => turns.take(entry.key, () => report(contents, entry, onChange, log)),
    onTrouble: (error) => log.warn({ err: error }, "the policies cannot be followed right now"),
    stop,
  });
  await turns.done();
}

async function report(contents: PolicyContents, entry: KvEntry, onChange: OnPolicyChange, log: Logger): Promise<void> {
  try {
    await onChange(entry.key, (await readCurrent(contents, entry.key, entry))?.policy);
  } catch (error) {
    log.error({ err: error, tenant: entry.key }, "a stored policy cannot be read; the one before stays in force");
  }
}

/** Work of one key is done in the order it came; a key whose work takes long holds up no other. */
class Turns {
  readonly #waiting = new Map<string, (() => Promise<void>)[]>();
  readonly #running = new Set<Promise<void>>();

  take(key: string, work: () => Promise<void>): void {
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) {
      waiting.push(work);
      return;
    }
    const queue = [work];
    this.#waiting.set(key, queue);
    const running = this.#run(key, queue);
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }

  async done(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #run(key: string, queue: (() => Promise<void>)[]): Promise<void> {
    for (let work = queue.shift(); work !== undefined; work = queue.shift()) await work();
    this.#waiting.delete(key);
  }
}
