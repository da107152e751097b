import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findOnPath } from "../../scripts/provision/find-on-path.ts";
import { endWithUs } from "#test/support/end-with-us.ts";
import { freePort } from "#test/support/ports.ts";
import { accepts } from "#test/support/start-nats.ts";
import { waitFor } from "#test/support/wait.ts";

const MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/** nginx with the nchan module, one process, one channel. */
export interface Nchan extends AsyncDisposable {
  readonly pid: number | undefined;
  readonly port: number;
  readonly subscribe: string;
  publish(payload: string): void;
}

/** Starts it on a free port; says how to install it, and answers undefined, where it is not. */
export async function startNchan(say: (line: string) => void): Promise<Nchan | undefined> {
  const nginx = findOnPath("nginx", process.env["PATH"] ?? "");
  const isThere =
    nginx !== undefined &&
    (await access(MODULE)
      .then(() => true)
      .catch(() => false));
  if (nginx === undefined || !isThere) {
    say("  nginx + nchan is left out: it is not installed (Debian: apt install nginx libnginx-mod-nchan)");
    return undefined;
  }
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "sluice-nchan-"));
  starting.defer(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  await writeFile(join(folder, "nginx.conf"), configOf(folder, port));
  const child = spawn(nginx, ["-p", folder, "-e", "stderr", "-c", join(folder, "nginx.conf")], { stdio: "ignore" });
  endWithUs(child);
  starting.defer(async () => {
    child.kill("SIGTERM");
    if (child.exitCode === null) await once(child, "exit");
  });
  await waitFor("nginx listens", () => accepts(port));
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  starting.defer(() => agent.destroy());
  const running = starting.move();
  return {
    pid: child.pid,
    port,
    subscribe: "GET /subscribe HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n",
    publish(payload) {
      const post = request({ port, host: "127.0.0.1", path: "/publish", method: "POST", agent }, (answer) =>
        answer.resume(),
      );
      post.on("error", () => {}).end(payload);
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function configOf(folder: string, port: number): string {
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${join(folder, name)};`,
  );
  return `
load_module ${MODULE};
daemon off;
master_process off;
worker_processes 1;
pid ${join(folder, "nginx.pid")};
error_log stderr error;
events { worker_connections 20000; }
http {
  access_log off;
  tcp_nodelay on;
  keepalive_requests 100000000;
  ${paths.join("\n  ")}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /subscribe { nchan_subscriber eventsource; nchan_channel_id bench; nchan_subscriber_first_message newest; }
    location = /publish { nchan_publisher; nchan_channel_id bench; nchan_message_buffer_length 10; }
  }
}
`;
}
