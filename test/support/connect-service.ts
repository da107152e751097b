import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { type NatsSettings, natsSettings } from "#shared/config/nats-settings.ts";
import { readConfig } from "#shared/config/read-config.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { connectNats } from "#shared/nats/connect-nats.ts";

const schema = z.object(natsSettings);

/** The settings of NATS alone; throws a BootError that names every wrong one. */
export function readNatsSettings(env: NodeJS.ProcessEnv): NatsSettings {
  return readConfig(schema, env);
}

/** Connects to the servers at `url`, as the user that it names, in the way of a service; the caller closes the connection. */
export function connectService(url: string): Promise<NatsConnection> {
  return connectNats(readNatsSettings({ NATS_URL: url }), "test", createLogger("test", "silent"));
}
