import type { NatsConnection } from "@nats-io/transport-node";
import { poll } from "#shared/async/poll.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { jetStreamOf } from "#shared/nats/home/read-holding.ts";
import type { MirrorMetrics } from "#shared/nats/mirrors/mirror-metrics.ts";
import { followMirrors } from "#shared/nats/mirrors/follow-mirrors.ts";
import { policyStreams } from "../bus/kept-mirrors.ts";
import { listMirroredLogs } from "../bus/mirrored-logs.ts";
import { openTenantLogs } from "../bus/tenant-logs.ts";
import { logRetention, type PolicyConfig } from "../config.ts";
import { carryOutErasures, type MirroredErasures } from "../events/carry-out-erasures.ts";
import type { PolicyMetrics } from "../metrics.ts";

/** How long what was erased in the home's region may be in the mirror here, where the link is not cut. */
const ERASE_EVERY_MS = 2_000;

interface StandbyParts {
  readonly mirrors: MirrorMetrics;
  readonly metrics: PolicyMetrics;
  readonly log: Logger;
}

/** Keeps the mirrors of the home's logs and buckets, until it is disposed. */
export async function keepStandby(
  nats: NatsConnection,
  config: PolicyConfig,
  regions: { readonly here: string; readonly origin: string },
  { mirrors, metrics, log }: StandbyParts,
): Promise<AsyncDisposable> {
  await using starting = new AsyncDisposableStack();
  const place = { ...regions, replicas: config.NATS_REPLICAS };
  starting.use(await followMirrors({ nats, place, streams: policyStreams, metrics: mirrors, log }));
  const manager = await jetStreamOf(nats);
  const erasures: MirroredErasures = {
    listMirrors: () => listMirroredLogs(manager),
    logs: await openTenantLogs(nats, logRetention(config)),
    done: new Map(),
    onErased({ tenant, erased }) {
      metrics.erasedEvents.inc(erased);
      if (erased > 0) log.info({ tenant, events: erased }, "an erasure was carried out on the mirror");
    },
    onFailed: (tenant, error) => log.warn({ tenant, err: error }, "an erasure waits: the mirror does not answer"),
  };
  const look = () =>
    carryOutErasures(erasures).catch((error: unknown) => {
      log.warn({ err: error }, "erasures wait: the mirrors cannot be listed right now");
    });
  starting.use(poll(ERASE_EVERY_MS, look));
  return starting.move();
}
