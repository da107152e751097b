import type { JetStreamManager } from "@nats-io/jetstream";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import type { MirroredLog } from "../events/carry-out-erasures.ts";

/** The mirrors of tenants' logs in a region that does not write them; one request lists 256 of them. */
export async function* listMirroredLogs({ streams }: JetStreamManager): AsyncGenerator<MirroredLog> {
  const prefix = logStreamName("");
  for await (const { config, created, state } of streams.list()) {
    if (!config.name.startsWith(prefix) || config.mirror === undefined) continue;
    yield { tenant: config.name.slice(prefix.length), made: created, last: state.last_seq };
  }
}
