import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  PROXY_BUSY_FILE,
  type ProxiedProcess,
  type ProxiedService,
  writeProxyConfig,
} from "../../scripts/start/proxy-config.ts";
import { type Child, startChild } from "./child.ts";
import { freePort } from "./ports.ts";
import { takesConnections } from "./takes-connections.ts";
import { waitFor } from "./wait.ts";

/** The addresses of the services behind the proxy of a cluster, without a slash at the end. */
export type ClusterUrls = Readonly<Record<ProxiedService, string>>;

/** Ports for the proxy, and where each leads from outside. */
export async function proxyPlaces(): Promise<{ readonly env: NodeJS.ProcessEnv; readonly urls: ClusterUrls }> {
  const [stream, auth, policy, publish] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const urlOf = (port: number): string => `http://127.0.0.1:${port}`;
  return {
    env: {
      PROXY_BIND_ADDRESS: "127.0.0.1",
      STREAM_HTTP_PORT: `${stream}`,
      AUTH_HTTP_PORT: `${auth}`,
      POLICY_HTTP_PORT: `${policy}`,
      PUBLISH_HTTP_PORT: `${publish}`,
      SLUICE_BUSY: PROXY_BUSY_FILE,
    },
    urls: { stream: urlOf(stream), auth: urlOf(auth), policy: urlOf(policy), publish: urlOf(publish) },
  };
}

/** Starts HAProxy with the project's own file for a cluster, in front of these processes. */
export async function startClusterProxy(
  env: NodeJS.ProcessEnv,
  processes: Readonly<Record<ProxiedService, readonly ProxiedProcess[]>>,
): Promise<{ readonly child: Child }> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-proxy-"));
  const child = startChild("haproxy", ["-db", "-f", await writeProxyConfig(folder, processes)], env);
  void once(child.process, "exit").then(() => rm(folder, { recursive: true, force: true }));
  await waitFor("haproxy takes connections", () => takesConnections(child, Number(env["STREAM_HTTP_PORT"]))).catch(
    async (error: Error) => {
      await child.end("SIGKILL");
      throw new Error(`${error.message}\n${child.output()}`);
    },
  );
  return { child };
}
