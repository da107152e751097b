import { connect } from "node:net";
import { join } from "node:path";
import { builtProgram } from "../build/build-services.ts";
import type { DemoService } from "../demo-settings.ts";
import type { ServerCommand } from "./child-server.ts";

/** The options of Node that each service is started with; the edge's README says what they are for. */
export const NODE_OPTIONS: Readonly<Record<string, readonly string[]>> = { stream: ["--max-semi-space-size=8"] };

/** A service; webhooks are posted by a process of the edge. It takes work when its operations port says so. */
export function serviceCommand(
  service: DemoService,
  {
    name = service,
    opsPort,
    env,
  }: { readonly name?: string; readonly opsPort: number; readonly env: NodeJS.ProcessEnv },
): ServerCommand {
  return {
    name,
    command: process.execPath,
    args: [...(NODE_OPTIONS[service] ?? []), builtProgram(service === "webhooks" ? "stream" : service)],
    env,
    isReady: () => isServiceReady(opsPort),
  };
}

/** Where a server listens on this machine, keeps its data, and has its configuration. */
export interface ServerPlace {
  readonly name: string;
  readonly port: number;
  readonly folder: string;
  readonly config: string;
}

/** nats-server. */
export function natsCommand({ name, port, folder, config }: ServerPlace, env: NodeJS.ProcessEnv): ServerCommand {
  // `sluice bus` has it reload.
  const pidFile = join(folder, "nats-server.pid");
  return {
    name,
    command: "nats-server",
    args: ["-c", config, "-a", "127.0.0.1", "-p", String(port), "-sd", folder, "-P", pidFile],
    env,
    isReady: () => answers(port, "", "INFO "),
  };
}

/** redis-server, with further arguments where there are any. */
export function redisCommand(
  { name, port, folder, config }: ServerPlace,
  env: NodeJS.ProcessEnv,
  more: readonly string[] = [],
): ServerCommand {
  const login = encodeCommand("AUTH", "auth", env["REDIS_AUTH_PASSWORD"] ?? "");
  return {
    name,
    command: "redis-server",
    args: [config, "--port", String(port), "--bind", "127.0.0.1", "--dir", folder, ...more],
    env,
    // While it reads its file it takes connections and answers -LOADING.
    isReady: () => answers(port, login + encodeCommand("PING"), "+OK\r\n+PONG"),
  };
}

/** A Sentinel of Redis. */
export function sentinelCommand({ name, port, folder, config }: ServerPlace, env: NodeJS.ProcessEnv): ServerCommand {
  return {
    name,
    command: "redis-server",
    args: [config, "--sentinel", "--bind", "127.0.0.1", "--dir", folder],
    env,
    // It knows who asks by their password, and this is nobody.
    isReady: () => answers(port, encodeCommand("PING"), "-NOAUTH"),
  };
}

/** HAProxy. */
export function proxyCommand(
  { name, port, config }: Omit<ServerPlace, "folder">,
  env: NodeJS.ProcessEnv,
): ServerCommand {
  return {
    name,
    command: "haproxy",
    args: ["-db", "-f", config],
    env,
    isReady: () => answers(port, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 "),
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
