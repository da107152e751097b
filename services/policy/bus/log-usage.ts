import { jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { LogUsage, Usage } from "../http/tenant-routes.ts";
import { findStream } from "./tenant-logs.ts";

/** What the tenants' logs hold, as their leaders say. */
export async function openLogUsage(connection: NatsConnection): Promise<LogUsage> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  return {
    async of(tenant) {
      const stream = await findStream(manager, tenant);
      return stream && usageOf(stream);
    },
    async all() {
      const prefix = logStreamName("");
      const usages = new Map<string, Usage>();
      try {
        for await (const stream of manager.streams.list()) {
          const { name } = stream.config;
          if (name.startsWith(prefix)) usages.set(name.slice(prefix.length), usageOf(stream));
        }
      } catch (cause) {
        throw new AppError("unavailable", "the tenants' logs cannot be listed right now; try again", { cause });
      }
      return usages;
    },
  };
}

/** An empty log has no times: the server gives the beginning of the calendar for them. */
function usageOf({ state: { messages, bytes, first_ts, last_ts } }: StreamInfo): Usage {
  return messages === 0 ? { messages, bytes } : { messages, bytes, firstAt: first_ts, lastAt: last_ts };
}
