import { join } from "node:path";
import { findOnPath } from "../../../scripts/provision/find-on-path.ts";
import { streamRequest } from "../load.ts";
import type { Contender, Peer } from "./contender.ts";
import { SECRET, signWithSecret, startPeer } from "./start-peer.ts";

const PATH = "/.well-known/mercure";

/**
 * Mercure's hub as a server of its own, with its history on disk (bolt) and private updates: a subscriber gets those whose
 * topics are in its token. It has no limit of subscribers.
 */
export const mercure: Peer = {
  name: "mercure",
  install: "Go: go build github.com/dunglas/mercure/cmd/mercure, in a module that requires v0.20.2",
  find: async (path) => {
    const file = findOnPath("mercure", path);
    return file === undefined ? undefined : { name: "mercure", hasStreamLimit: false, start: () => start(file) };
  },
};

async function start(file: string): Promise<Contender> {
  const peer = await startPeer({
    file,
    env: (folder, port) => ({
      ADDR: `127.0.0.1:${port}`,
      JWT_KEY: SECRET,
      TRANSPORT_URL: `bolt://${join(folder, "updates.db")}`,
    }),
  });
  const publisher = await signWithSecret({ mercure: { publish: ["*"] } });
  const headers = { authorization: `Bearer ${publisher}`, "content-type": "application/x-www-form-urlencoded" };
  return {
    port: peer.port,
    pid: peer.pid,
    pidsBehind: [],
    marker: "-",
    resume: "id",
    requests: (count, topics, owner = "demo") =>
      Promise.all(
        Array.from({ length: count }, async (_, index) => {
          const topic = `${owner}-${index % topics}`;
          const token = await signWithSecret({ sub: `reader-${index}`, mercure: { subscribe: [topic] } });
          return streamRequest(`${PATH}?topic=${topic}`, token);
        }),
      ),
    publish: (topic, payload, owner = "demo") =>
      peer.post(PATH, `topic=${owner}-${topic}&private=on&data=${encodeURIComponent(payload)}`, headers),
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  };
}
