import { AppError } from "#shared/errors/app-error.ts";
import { type RolesShard, SubjectRoles } from "../decide/subject-roles.ts";
import { decodeShard, encodeShard, type PartRef, refOf } from "../versions/policy-parts.ts";
import type { PartsContent, StoredHead } from "../versions/stored-head.ts";
import type { StoredPolicy } from "../versions/stored-policy.ts";
import type { PolicyParts } from "./policy-parts-kv.ts";

/** Parts that are written or read together. Each costs the broker a sync of its disk, or this process half a millisecond. */
const AT_ONCE = 16;

/** What has a part of its own: a document or a shard. Both never change, so each is known by its identity. */
type Whole = StoredPolicy["document"] | RolesShard;

/**
 * The documents and bindings that heads refer to. It remembers those of each tenant's policy in force, so that a new head costs
 * the parts that it does not share with the one before.
 */
export class PolicyContents {
  readonly #parts: Pick<PolicyParts, "get" | "put">;
  readonly #maxBytes: number;
  readonly #refs = new WeakMap<Whole, PartRef>();
  readonly #known = new Map<string, ReadonlyMap<PartRef, Whole>>();

  constructor(parts: Pick<PolicyParts, "get" | "put">, maxBytes: number) {
    this.#parts = parts;
    this.#maxBytes = maxBytes;
  }

  /** The whole policy of a head. */
  async load(tenant: string, { content, ...version }: StoredHead): Promise<StoredPolicy> {
    const { origin } = version.document;
    if ("text" in content) return { ...version, document: { text: content.text, origin }, bindings: content.bindings };
    const document = await this.#loadDocument(tenant, content.document, origin);
    const shards = new Map<number, RolesShard>();
    await inGroups([...content.shards], async ([index, ref]) => {
      shards.set(index, await this.#loadShard(tenant, ref));
    });
    return { ...version, document, bindings: SubjectRoles.ofShards(shards) };
  }

  /** Takes a policy for the one in force: its parts are not read again. */
  remember(tenant: string, { document, bindings }: Pick<StoredPolicy, "document" | "bindings">): void {
    const known = new Map<PartRef, Whole>();
    for (const whole of [document, ...bindings.shards]) {
      const ref = this.#refs.get(whole);
      if (ref !== undefined) known.set(ref, whole);
    }
    this.#known.set(tenant, known);
  }

  /** Lets go of a tenant's parts. */
  forget(tenant: string): void {
    this.#known.delete(tenant);
  }

  /**
   * Writes the parts that `previous`, a stored policy, does not have. Whoever removes parts spares those that are new, so what
   * refers to these must be stored soon: `WRITE_HEAD_WITHIN_MS`.
   * @throws {AppError} `body_too_large` when one of them is larger than the store takes.
   */
  async write(tenant: string, policy: StoredPolicy, previous: StoredPolicy | undefined): Promise<PartsContent> {
    const before: readonly Whole[] = previous === undefined ? [] : [previous.document, ...previous.bindings.shards];
    const kept = new Set(before.map((whole) => this.#refs.get(whole)));
    const write = async (whole: Whole, what: string, encode: () => Uint8Array): Promise<PartRef> => {
      const stored = this.#refs.get(whole);
      if (stored !== undefined && kept.has(stored)) return stored;
      const part = encode();
      this.requireRoom(what, part.length);
      const ref = refOf(part);
      if (!kept.has(ref)) await this.#parts.put(tenant, ref, part);
      this.#refs.set(whole, ref);
      return ref;
    };
    const { document, bindings } = policy;
    const ref = await write(document, "the policy document", () => Buffer.from(document.text));
    const filled = [...bindings.shards.entries()].filter(([, shard]) => shard.size > 0);
    const shards = new Map<number, PartRef>();
    await inGroups(filled, async ([index, shard]) => {
      const what = `what is bound over HTTP to ${shard.size} of the subjects, which are stored together,`;
      shards.set(index, await write(shard, what, () => encodeShard(shard)));
    });
    return { document: ref, shards };
  }

  /** @throws {AppError} `body_too_large` when a value has more bytes than the store takes. */
  requireRoom(what: string, bytes: number): void {
    if (bytes <= this.#maxBytes) return;
    const message = `${what} takes ${bytes} bytes, and the store takes ${this.#maxBytes}: make it smaller, or raise max_payload of NATS`;
    throw new AppError("body_too_large", message);
  }

  async #loadDocument(
    tenant: string,
    ref: PartRef,
    origin: StoredPolicy["document"]["origin"],
  ): Promise<StoredPolicy["document"]> {
    const known = this.#known.get(tenant)?.get(ref);
    const isKnown = known !== undefined && "text" in known;
    const text = isKnown ? known.text : Buffer.from(await this.#parts.get(tenant, ref)).toString();
    const document = { text, origin };
    this.#refs.set(document, ref);
    return document;
  }

  async #loadShard(tenant: string, ref: PartRef): Promise<RolesShard> {
    const known = this.#known.get(tenant)?.get(ref);
    if (known instanceof Map) return known;
    const shard = decodeShard(await this.#parts.get(tenant, ref));
    this.#refs.set(shard, ref);
    return shard;
  }
}

async function inGroups<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let first = 0; first < items.length; first += AT_ONCE) {
    await Promise.all(items.slice(first, first + AT_ONCE).map(work));
  }
}
