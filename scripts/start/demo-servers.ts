import { connect } from "node:net";
import { join } from "node:path";
import { type DemoPorts, demoSettings, natsPasswords } from "../demo-settings.ts";
import type { ServerCommand } from "./child-server.ts";

/** The edge's README says what this is for. */
const NODE_OPTIONS: Readonly<Record<string, readonly string[]>> = { stream: ["--max-semi-space-size=8"] };

/** The servers of the demo in the order they start: all of one row together, a row once the row before it is ready. */
export function demoServers(ports: DemoPorts, dataFolder: string, env: NodeJS.ProcessEnv): ServerCommand[][] {
  const settings = demoSettings(ports);
  const service = (name: "auth" | "policy" | "stream", opsPort: number): ServerCommand => ({
    name,
    command: process.execPath,
    args: [...(NODE_OPTIONS[name] ?? []), `services/${name}/main.ts`],
    // What the environment says wins; an empty variable says nothing, there as in the services.
    env: { ...settings[name], ...Object.fromEntries(Object.entries(env).filter(([, value]) => value !== "")) },
    isReady: () => isServiceReady(opsPort),
  });
  return [
    [nats(ports.NATS_PORT, join(dataFolder, "nats"), env), redis(ports.REDIS_PORT, join(dataFolder, "redis"), env)],
    [service("policy", ports.POLICY_OPS_PORT), service("auth", ports.AUTH_OPS_PORT)],
    [service("stream", ports.STREAM_OPS_PORT)],
  ];
}

function nats(port: number, folder: string, env: NodeJS.ProcessEnv): ServerCommand {
  // `sluice bus` has it reload.
  const pidFile = join(folder, "nats-server.pid");
  return {
    name: "nats-server",
    command: "nats-server",
    args: ["-c", "infra/nats/nats.conf", "-a", "127.0.0.1", "-p", String(port), "-sd", folder, "-P", pidFile],
    env: { ...env, ...natsPasswords },
    isReady: () => answers(port, "", "INFO"),
  };
}

function redis(port: number, folder: string, env: NodeJS.ProcessEnv): ServerCommand {
  return {
    name: "redis-server",
    command: "redis-server",
    args: ["infra/redis/redis.conf", "--port", String(port), "--bind", "127.0.0.1", "--dir", folder],
    env,
    // While it reads its file it takes connections and answers -LOADING.
    isReady: () => answers(port, "PING\r\n", "+PONG"),
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
    socket.once("data", (bytes) => {
      resolve(bytes.toString().startsWith(greeting));
      socket.destroy();
    });
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  });
}
