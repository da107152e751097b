import { readdir, readFile } from "node:fs/promises";
import { extname } from "node:path";
import type { Hono } from "hono";
import { describeCall } from "#shared/http/openapi/describe-call.ts";

/** The demo's page, from memory: its files by their paths. */
export interface DemoPage {
  readonly files: ReadonlyMap<string, { readonly type: string; readonly body: string }>;
  /** What browsers let the page do (Content-Security-Policy). */
  readonly policy: string;
}

const FOLDER = new URL("../../../infra/demo/page/", import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
};

/** Where browsers find the other two services on the page's own host, and producers the bus. */
export interface DemoPagePorts {
  readonly auth: number;
  readonly policy: number;
  readonly nats: number;
}

/** Reads the demo's page from disk. */
export async function loadDemoPage(ports: DemoPagePorts): Promise<DemoPage> {
  const files = new Map<string, { readonly type: string; readonly body: string }>();
  for (const file of await readdir(FOLDER)) {
    const type = TYPES[extname(file)];
    if (type === undefined) continue;
    const text = await readFile(new URL(file, FOLDER), "utf8");
    files.set(file === "index.html" ? "/demo" : `/demo/${file}`, {
      type,
      body: text
        .replaceAll("{{AUTH_PORT}}", String(ports.auth))
        .replaceAll("{{POLICY_PORT}}", String(ports.policy))
        .replaceAll("{{NATS_PORT}}", String(ports.nats)),
    });
  }
  return { files, policy: policyOf(ports) };
}

/** Adds the page's files, each at its path. */
export function addDemoPage(api: Hono, { files, policy }: DemoPage): void {
  for (const [path, { type, body }] of files) {
    api.get(path, describeCall("page"), (c) =>
      c.body(body, 200, { "content-type": type, "cache-control": "no-cache", "content-security-policy": policy }),
    );
  }
}

/** The page runs its own script and talks to the three services on the host it came from, and nothing else. */
function policyOf({ auth, policy }: DemoPagePorts): string {
  const hosts = ["localhost", "*.localhost", "127.0.0.1"];
  const services = hosts.flatMap((host) => [`http://${host}:${auth}`, `http://${host}:${policy}`]);
  return `default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' ${services.join(" ")}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
}
