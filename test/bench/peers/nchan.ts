import { access } from "node:fs/promises";
import { join } from "node:path";
import { findOnPath } from "../../../scripts/provision/find-on-path.ts";
import { streamRequest } from "../load.ts";
import type { Contender, Peer, Wanted } from "./contender.ts";
import { startPeer } from "./start-peer.ts";

const MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/** nginx with the nchan module: one process, a channel for each topic, messages in memory; nobody is asked for a token. */
export const nchan: Peer = {
  name: "nchan",
  install: "Debian: apt install nginx libnginx-mod-nchan",
  async find(path) {
    const file = findOnPath("nginx", path);
    const isThere = await access(MODULE).then(
      () => true,
      () => false,
    );
    if (file === undefined || !isThere) return undefined;
    return { name: "nchan", hasStreamLimit: true, start: (wanted) => start(file, wanted) };
  },
};

async function start(file: string, wanted: Wanted = {}): Promise<Contender> {
  const peer = await startPeer({
    file,
    args: (folder) => ["-p", folder, "-e", "stderr", "-c", join(folder, "nginx.conf")],
    config: (folder, port) => ["nginx.conf", configOf(folder, port, wanted)],
  });
  return {
    port: peer.port,
    pid: peer.pid,
    pidsBehind: [],
    marker: "-",
    resume: "id",
    requests: async (count, topics, owner = "demo") =>
      Array.from({ length: count }, (_, index) => streamRequest(`/subscribe?id=${owner}-${index % topics}`)),
    publish: (topic, payload, owner = "demo") => peer.post(`/publish?id=${owner}-${topic}`, payload),
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  };
}

function configOf(folder: string, port: number, { maxStreams }: Wanted): string {
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${join(folder, name)};`,
  );
  return `
load_module ${MODULE};
daemon off;
master_process off;
worker_processes 1;
pid ${join(folder, "nginx.pid")};
error_log stderr crit;
events { worker_connections 20000; }
http {
  access_log off;
  tcp_nodelay on;
  keepalive_requests 100000000;
  client_body_buffer_size 128k;
  ${paths.join("\n  ")}
  limit_conn_zone $server_port zone=streams:1m;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /subscribe {
      nchan_subscriber eventsource;
      nchan_channel_id $arg_id;
      nchan_subscriber_first_message newest;
      ${maxStreams === undefined ? "" : `limit_conn streams ${maxStreams};`}
    }
    location = /publish { nchan_publisher; nchan_channel_id $arg_id; nchan_message_buffer_length 1000; }
  }
}
`;
}
