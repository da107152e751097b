import { z } from "zod";
import { type NatsSettings, natsSettings } from "#shared/config/nats-settings.ts";
import { readConfig } from "#shared/config/read-config.ts";

const schema = z.object(natsSettings);

/** Reads the settings of NATS alone; throws a BootError that names every wrong one. */
export function readNatsSettings(env: NodeJS.ProcessEnv): NatsSettings {
  return readConfig(schema, env);
}
