import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { projectPath } from "../shared/project-folder.ts";

/** The services that clients reach by the proxy of a cluster. */
export const PROXIED = ["stream", "auth", "policy", "publish"] as const;

/** One of them. */
export type ProxiedService = (typeof PROXIED)[number];

/** A process of a service on this machine. */
export interface ProxiedProcess {
  readonly httpPort: number;
  readonly opsPort: number;
}

/**
 * Writes infra/proxy/haproxy-cluster.cfg into a folder, with these processes in place of the names that stand there, and answers its
 * path there.
 */
export async function writeProxyConfig(
  folder: string,
  processes: Readonly<Record<ProxiedService, readonly ProxiedProcess[]>>,
): Promise<string> {
  const text = await readFile(projectPath("infra/proxy/haproxy-cluster.cfg"), "utf8");
  const config = text.replaceAll(/^( *)server-template (\w+) .*$/gm, (_line, indent: string, name: ProxiedService) =>
    processes[name].map((process, index) => `${indent}server ${name}-${index + 1} ${placeOf(process)}`).join("\n"),
  );
  const path = join(folder, "haproxy.cfg");
  await writeFile(path, config);
  return path;
}

/** The file with which the proxy answers an event stream that no edge is there for. */
export const PROXY_BUSY_FILE = projectPath("infra/proxy/haproxy-busy.http");

function placeOf({ httpPort, opsPort }: ProxiedProcess): string {
  return `127.0.0.1:${httpPort} check port ${opsPort}`;
}
