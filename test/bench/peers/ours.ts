import { BOB, MALLORY, streamRequests } from "../load.ts";
import type { Bench } from "../scenario.ts";
import type { Contender, Entrant, Wanted } from "./contender.ts";

const TOPIC = "push.event.k";

/** An edge of ours, one process, with policy and tokens on, over a log that is synced to disk before it acknowledges. */
export async function createOurs({ stack, issuer, startEdge }: Bench): Promise<Entrant> {
  const producers = { demo: await stack.bus("demo"), rival: await stack.bus("rival") };
  const pidsBehind = [stack.nats.pid, stack.auth.child.process.pid, stack.policy.child.process.pid].filter(
    (pid) => pid !== undefined,
  );
  return {
    name: "sluice",
    hasStreamLimit: true,
    async start({ maxStreams }: Wanted = {}): Promise<Contender> {
      const edge = await startEdge(maxStreams === undefined ? {} : { STREAM_MAX_CONNECTIONS: String(maxStreams) });
      return {
        port: edge.ports.http,
        pid: edge.child.process.pid ?? 0,
        pidsBehind,
        marker: "event: ready",
        resume: "id",
        requests: (count, topics, owner = "demo") =>
          streamRequests(issuer, owner === "demo" ? BOB : MALLORY, count, (index) => `${TOPIC}${index % topics}`),
        publish: (topic, payload, owner = "demo") =>
          void producers[owner].js.publish(`events.${owner}.${TOPIC}${topic}`, payload).catch(() => {}),
        [Symbol.asyncDispose]: () => edge[Symbol.asyncDispose](),
      };
    },
  };
}
