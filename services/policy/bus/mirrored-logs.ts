import type { JetStreamManager } from "@nats-io/jetstream";
import { erasedControlSubject, logStreamName } from "#shared/contract/tenant-log.ts";
import type { MirroredLogs } from "../events/carry-out-erasures.ts";
import { answered } from "./answered.ts";
import { readErasedEntry } from "./read-log.ts";

/** The mirrors of this region; one request lists 256 of them. */
export function createMirroredLogs(manager: JetStreamManager): MirroredLogs {
  const prefix = logStreamName("");
  return {
    async *list() {
      for await (const { config, created, state } of manager.streams.list()) {
        if (!config.name.startsWith(prefix) || config.mirror === undefined) continue;
        yield { tenant: config.name.slice(prefix.length), made: created, last: state.last_seq };
      }
    },
    nextErasedEntry: (tenant, seq) =>
      answered(tenant, async () => {
        const query = { seq, next_by_subj: erasedControlSubject(tenant) };
        return readErasedEntry(await manager.streams.getMessage(logStreamName(tenant), query));
      }),
  };
}
