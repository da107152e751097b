import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "#shared/log/create-logger.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { PartRef } from "../versions/policy-parts.ts";
import type { StoredHead } from "../versions/stored-head.ts";
import type { PolicyParts } from "./policy-parts-kv.ts";

/** How long a part stays without a head that refers to it: its writer may be about to store the head. */
const PARTS_STAY_MS = 600_000;

/** Within this time of the first part the head must be on its way to the store. The rest is for the store. */
export const WRITE_HEAD_WITHIN_MS = PARTS_STAY_MS / 2;

/** What a collector reads and removes. */
export interface CollectDeps {
  readonly parts: Pick<PolicyParts, "find" | "remove">;
  /** The heads of the versions still kept of a tenant. */
  readonly heads: (tenant: string) => Promise<readonly Pick<StoredHead, "content">[]>;
  readonly clock: Clock;
}

/** A part that no head referred to, where the bucket ended then, and when that was. */
interface Mark {
  readonly through: number;
  readonly since: number;
}

/**
 * Removes the parts of policies to which no version still kept refers: those of versions that history has dropped, and those
 * of changes that were never stored. A part goes when two looks, `PARTS_STAY_MS` apart, find it so, and nobody wrote it again
 * meanwhile. Whoever stores a head wrote each of its parts less than that before, or found it in the head before; so no head
 * loses a part. No clocks of two machines are compared.
 */
export class PartCollector {
  readonly #deps: CollectDeps;
  readonly #marks = new Map<string, Mark>();

  constructor(deps: CollectDeps) {
    this.#deps = deps;
  }

  /** Looks once. Answers how many parts it removed. */
  async look(): Promise<number> {
    const { parts, heads, clock } = this.#deps;
    const begun = clock.monotonic();
    // The parts first: whatever is among them and in use has a head by now, or is too new to go.
    const { through, refs } = await parts.find();
    const unused = new Map<string, readonly [tenant: string, ref: PartRef]>();
    for (const [tenant, found] of refs) {
      const used = new Set((await heads(tenant)).flatMap(refsIn));
      for (const ref of found) if (!used.has(ref)) unused.set(`${tenant}.${ref}`, [tenant, ref]);
    }
    for (const key of this.#marks.keys()) if (!unused.has(key)) this.#marks.delete(key);
    let removed = 0;
    for (const [key, [tenant, ref]] of unused) {
      const mark = this.#marks.get(key) ?? { through, since: clock.monotonic() };
      this.#marks.set(key, mark);
      if (begun - mark.since <= PARTS_STAY_MS) continue;
      await parts.remove(tenant, ref, mark.through);
      this.#marks.delete(key);
      removed += 1;
    }
    return removed;
  }
}

/** Collects again and again until `stop`. */
export async function collectParts(
  collector: Pick<PartCollector, "look">,
  { everyMs, stop, log }: { readonly everyMs: number; readonly stop: AbortSignal; readonly log: Logger },
): Promise<void> {
  while (!stop.aborted) {
    await delay(everyMs, undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) return;
    await collector.look().catch((error: unknown) => {
      log.warn({ err: error }, "parts of old policies cannot be removed right now");
    });
  }
}

function refsIn({ content }: Pick<StoredHead, "content">): PartRef[] {
  return "text" in content ? [] : [content.document, ...content.shards.values()];
}
