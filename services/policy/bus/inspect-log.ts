import type { JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import { unpurgedUpTo } from "#shared/contract/home.ts";
import { EPOCH_METADATA, logStreamName } from "#shared/contract/tenant-log.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { LogDescription } from "../events/event-log.ts";
import type { Usage } from "../tenants/tenant-logs.ts";
import { answeredIfThere } from "./answered.ts";

/** A tenant's log as its leader describes it; undefined where there is none. */
export function findStream(manager: JetStreamManager, tenant: string): Promise<StreamInfo | undefined> {
  return answeredIfThere(tenant, () => manager.streams.info(logStreamName(tenant)));
}

/** Which log it is, and where it begins and ends. */
export function describeLog({ config, state }: StreamInfo): LogDescription {
  const epoch = config.metadata?.[EPOCH_METADATA] ?? "";
  const takesPurges = !config.deny_purge;
  return { epoch, first: state.first_seq, last: state.last_seq, takesPurges, unpurgedUpTo: unpurgedUpTo({ config }) };
}

/** The tenants that have a log. */
export async function listTenants(manager: JetStreamManager): Promise<string[]> {
  const prefix = logStreamName("");
  const tenants: string[] = [];
  try {
    for await (const name of manager.streams.names()) {
      if (name.startsWith(prefix)) tenants.push(name.slice(prefix.length));
    }
    return tenants;
  } catch (cause) {
    throw new AppError("unavailable", "the tenants' logs cannot be listed right now; try again", { cause });
  }
}

/** What each tenant's log holds. */
export async function listUsages(manager: JetStreamManager): Promise<Map<string, Usage>> {
  const prefix = logStreamName("");
  const usages = new Map<string, Usage>();
  try {
    for await (const stream of manager.streams.list()) {
      const { name } = stream.config;
      if (name.startsWith(prefix)) usages.set(name.slice(prefix.length), usageOf(stream));
    }
    return usages;
  } catch (cause) {
    throw new AppError("unavailable", "the tenants' logs cannot be listed right now; try again", { cause });
  }
}

/** What a log holds. An empty one has no times: the server gives the beginning of the calendar for them. */
export function usageOf({ config, state: { messages, bytes, first_ts, last_ts } }: StreamInfo): Usage {
  const usage = { messages, bytes, maxBytes: config.max_bytes, maxAgeSeconds: config.max_age / 1e9 };
  return messages === 0 ? usage : { ...usage, firstAt: first_ts, lastAt: last_ts };
}
