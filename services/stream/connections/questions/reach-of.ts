import type { Reach } from "#shared/contract/edge-questions.ts";
import { createTopicTest } from "../../access/topic-test.ts";
import type { Hub } from "../hub.ts";
import type { Reader } from "../reader.ts";
import type { Tenant } from "../tenant.ts";

/** Events of a tenant's log, by their sequences in the log that `epoch` names. */
export interface AskedEvents {
  readonly tenant: string;
  readonly epoch: string;
  readonly seqs: readonly number[];
}

/** A reader that is behind. */
interface BehindReader {
  readonly seq: number;
  asksFor(topic: string): boolean;
}

/**
 * Whom these events have reached here so far, in their order; what is not remembered is left out. Readers that are behind an event
 * count where they ask for its topic, or where that is not in memory any more.
 */
export function reachOf(hub: Pick<Hub, "tenant" | "streams">, { tenant: id, epoch, seqs }: AskedEvents): Reach[] {
  const tenant = hub.tenant(id);
  if (tenant === undefined || epoch !== tenant.log.epoch) return [];
  const { reach } = tenant;
  const behind = readersBehind(hub, tenant);
  return seqs.flatMap((seq) => {
    const known = reach.of(seq);
    if (known === undefined) return [];
    const entry = tenant.log.tail.at(seq);
    const topic = entry?.kind === "event" ? entry.topic : undefined;
    const waiting = behind.filter((reader) => reader.seq < seq && (topic === undefined || reader.asksFor(topic)));
    return [{ ...known, behind: waiting.length }];
  });
}

function readersBehind(hub: Pick<Hub, "streams">, tenant: Tenant): readonly BehindReader[] {
  if (!tenant.hasBehind) return [];
  const streams = [...hub.streams()].filter(({ tenant: of, reader }) => of === tenant && isBehind(reader));
  return streams.map(({ reader }) => ({
    seq: reader.cursor.seq,
    asksFor: createTopicTest(reader.registration.topics),
  }));
}

function isBehind({ behindSince }: Reader): boolean {
  return behindSince !== undefined;
}
