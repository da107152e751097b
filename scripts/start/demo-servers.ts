import { connect } from "node:net";
import { join } from "node:path";
import { builtProgram } from "../build/build-services.ts";
import { prepareBus } from "../bus/prepare-bus.ts";
import { type DemoPorts, type DemoService, demoSettings, readPasswords } from "../demo-settings.ts";
import type { ServerCommand } from "./child-server.ts";
import { writeRedisConfig } from "./redis-config.ts";

/** The edge's README says what this is for. */
const NODE_OPTIONS: Readonly<Record<string, readonly string[]>> = { stream: ["--max-semi-space-size=8"] };

/** The servers of the demo in the order they start: all of one row together, a row once the row before it is ready. */
export async function demoServers(
  ports: DemoPorts,
  dataFolder: string,
  given: NodeJS.ProcessEnv,
): Promise<ServerCommand[][]> {
  const passwords = readPasswords(given);
  const env = { ...given, ...passwords };
  const settings = demoSettings(ports, passwords);
  const redisFolder = join(dataFolder, "redis");
  const redisConfig = await writeRedisConfig(redisFolder, passwords);
  // What the environment says wins; an empty variable says nothing, there as in the services.
  const said = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const natsConfig = join(dataFolder, "nats-config");
  await prepareBus(natsConfig);
  const service = (name: DemoService, opsPort: number, own: NodeJS.ProcessEnv = {}): ServerCommand => ({
    name,
    command: process.execPath,
    args: [...(NODE_OPTIONS[name] ?? []), builtProgram(name === "webhooks" ? "stream" : name)],
    env: { ...settings[name], ...said, ...own },
    isReady: () => isServiceReady(opsPort),
  });
  // The edge's own variables are not for the other process of the edge.
  const webhooks = { STREAM_ROLE: "webhooks", STREAM_OPS_PORT: String(ports.WEBHOOKS_OPS_PORT) };
  return [
    [
      nats(ports.NATS_PORT, join(dataFolder, "nats"), natsConfig, env),
      redis(ports.REDIS_PORT, redisFolder, redisConfig, env),
    ],
    [service("policy", ports.POLICY_OPS_PORT), service("auth", ports.AUTH_OPS_PORT)],
    [
      service("stream", ports.STREAM_OPS_PORT),
      service("publish", ports.PUBLISH_OPS_PORT),
      service("webhooks", ports.WEBHOOKS_OPS_PORT, webhooks),
    ],
  ];
}

function nats(port: number, folder: string, config: string, env: NodeJS.ProcessEnv): ServerCommand {
  // `sluice bus` has it reload.
  const pidFile = join(folder, "nats-server.pid");
  return {
    name: "nats-server",
    command: "nats-server",
    args: ["-c", join(config, "nats.conf"), "-a", "127.0.0.1", "-p", String(port), "-sd", folder, "-P", pidFile],
    env,
    isReady: () => answers(port, "", "INFO "),
  };
}

function redis(port: number, folder: string, config: string, env: NodeJS.ProcessEnv): ServerCommand {
  return {
    name: "redis-server",
    command: "redis-server",
    args: [config, "--port", String(port), "--bind", "127.0.0.1", "--dir", folder],
    env,
    // While it reads its file it takes connections and answers -LOADING.
    isReady: () =>
      answers(
        port,
        encodeCommand("AUTH", "auth", env["REDIS_AUTH_PASSWORD"] ?? "") + encodeCommand("PING"),
        "+OK\r\n+PONG",
      ),
  };
}

async function isServiceReady(opsPort: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${opsPort}/readyz`, { signal: AbortSignal.timeout(2_000) });
    return response.ok;
  } catch {
    return false;
  }
}

/** Whether a server on the port says `greeting` first when it is told `question`. */
function answers(port: number, question: string, greeting: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(question));
    socket.setTimeout(2_000, () => socket.destroy());
    let said = "";
    socket.on("data", (bytes) => {
      said += bytes.toString();
      if (said.length < greeting.length) return;
      resolve(said.startsWith(greeting));
      socket.destroy();
    });
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  });
}

/** A command as Redis reads it, whatever characters are in its words. */
function encodeCommand(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
}
