import { join } from "node:path";
import { findOnPath } from "../../../scripts/provision/find-on-path.ts";
import { streamRequest } from "../load.ts";
import type { Contender, Peer, Wanted } from "./contender.ts";
import { SECRET, signWithSecret, startPeer } from "./start-peer.ts";

/** Stands in a request where the client writes what it resumes from. */
const POSITION = "@position@";

/**
 * Centrifugo with its one-way event streams (`uni_sse`), its engine in memory: the channels of a connection are in its token,
 * and each channel has a history from which a client that comes back is recovered.
 */
export const centrifugo: Peer = {
  name: "centrifugo",
  install: "Go: go install github.com/centrifugal/centrifugo/v6@latest",
  find: async (path) => {
    const file = findOnPath("centrifugo", path);
    if (file === undefined) return undefined;
    return { name: "centrifugo", hasStreamLimit: true, start: (wanted) => start(file, wanted) };
  },
};

async function start(file: string, wanted: Wanted = {}): Promise<Contender> {
  const peer = await startPeer({
    file,
    args: (folder) => ["--config", join(folder, "config.json")],
    config: (_, port) => ["config.json", JSON.stringify(configOf(port, wanted))],
  });
  return {
    port: peer.port,
    pid: peer.pid,
    pidsBehind: [],
    marker: '"connect":{',
    resume: "position",
    requests: (count, topics, owner = "demo") =>
      Promise.all(
        Array.from({ length: count }, async (_, index) => {
          const channel = `${owner}-${index % topics}`;
          const token = await signWithSecret({ sub: `reader-${index}`, channels: [channel] });
          const connect = encodeURIComponent(JSON.stringify({ token, subs: { [channel]: POSITION } }));
          // The position is a member of the object {…}, not a text.
          const members = `%7B${POSITION}%7D`;
          return streamRequest(
            `/connection/uni_sse?cf_connect=${connect.replace(encodeURIComponent(JSON.stringify(POSITION)), members)}`,
          );
        }),
      ),
    publish: (topic, payload, owner = "demo") =>
      peer.post("/api/publish", `{"channel":"${owner}-${topic}","data":${payload}}`, {
        "content-type": "application/json",
        "x-api-key": SECRET,
      }),
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  };
}

function configOf(port: number, { maxStreams = 0 }: Wanted): object {
  return {
    http_server: { address: "127.0.0.1", port: String(port) },
    log: { level: "error" },
    http_api: { key: SECRET },
    uni_sse: { enabled: true },
    client: { token: { hmac_secret_key: SECRET }, connection_limit: maxStreams },
    channel: { without_namespace: { history_size: 1_000, history_ttl: "300s", force_recovery: true } },
  };
}
