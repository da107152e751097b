import { startTcpProxy, type TcpProxy } from "#test/support/tcp-proxy.ts";
import type { Component, Link } from "../world.ts";

/** The settings that say where other services are, and what stands there. */
const PEERS = { AUTH_GRPC_URL: "auth", POLICY_GRPC_URL: "policy" } as const satisfies Record<string, Component>;

/** The networks between services. */
export interface ServiceLinks extends AsyncDisposable {
  readonly all: readonly Link[];
  /** The settings of that process, with proxies in front of the services that it calls. */
  leadThrough(name: string, env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv>;
}

/** Creates none; each process that is led through them adds its own. */
export function createLinks(): ServiceLinks {
  const stack = new AsyncDisposableStack();
  const all: Link[] = [];
  return {
    all,
    async leadThrough(name, env) {
      const led: NodeJS.ProcessEnv = { ...env };
      for (const [setting, to] of Object.entries(PEERS)) {
        const addresses = env[setting]?.split(",") ?? [];
        const proxies: TcpProxy[] = [];
        for (const address of addresses) {
          proxies.push(stack.use(await startTcpProxy(Number(address.slice(address.lastIndexOf(":") + 1)))));
        }
        if (proxies.length === 0) continue;
        led[setting] = proxies.map(({ port }) => `127.0.0.1:${port}`).join(",");
        all.push({
          name: `${name} to ${to}`,
          from: name.startsWith("stream") ? "edge" : (name.replace(/-.*$/, "") as Component),
          to,
          ports: proxies.map(({ port }) => port),
          set: (mode) => proxies.forEach((proxy) => proxy.set(mode)),
        });
      }
      return led;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
