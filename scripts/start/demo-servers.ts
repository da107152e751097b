import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { prepareBus } from "../bus/prepare-bus.ts";
import { type DemoPorts, type DemoService, demoSettings, readPasswords } from "../demo-settings.ts";
import type { ServerCommand } from "./child-server.ts";
import { writeRedisConfig } from "./redis-config.ts";
import { natsCommand, redisCommand, serviceCommand } from "./server-commands.ts";

/** The servers of the demo in the order they start: all of one row together, a row once the row before it is ready. */
export async function demoServers(
  ports: DemoPorts,
  dataFolder: string,
  given: NodeJS.ProcessEnv,
): Promise<ServerCommand[][]> {
  const passwords = readPasswords(given);
  const env = { ...given, ...passwords };
  const settings = demoSettings(ports, passwords);
  const [natsFolder, redisFolder] = [join(dataFolder, "nats"), join(dataFolder, "redis")];
  for (const folder of [natsFolder, redisFolder]) await mkdir(folder, { recursive: true });
  const redisConfig = await writeRedisConfig(redisFolder, passwords);
  const natsConfig = join(dataFolder, "nats-config");
  await prepareBus(natsConfig);
  const nats = {
    name: "nats-server",
    port: ports.NATS_PORT,
    folder: natsFolder,
    config: join(natsConfig, "nats.conf"),
  };
  const redis = { name: "redis-server", port: ports.REDIS_PORT, folder: redisFolder, config: redisConfig };
  const service = (name: DemoService, opsPort: number, own: NodeJS.ProcessEnv = {}): ServerCommand =>
    serviceCommand(name, { opsPort, env: { ...settings[name], ...saidIn(env), ...own } });
  // The edge's own variables are not for the other process of the edge.
  const webhooks = { STREAM_ROLE: "webhooks", STREAM_OPS_PORT: String(ports.WEBHOOKS_OPS_PORT) };
  return [
    [natsCommand(nats, env), redisCommand(redis, env)],
    [service("policy", ports.POLICY_OPS_PORT), service("auth", ports.AUTH_OPS_PORT)],
    [
      service("stream", ports.STREAM_OPS_PORT),
      service("publish", ports.PUBLISH_OPS_PORT),
      service("webhooks", ports.WEBHOOKS_OPS_PORT, webhooks),
    ],
  ];
}

/** What the environment says wins over the demo's own settings; an empty variable says nothing, there as in the services. */
export function saidIn(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
}
