import { setTimeout as delay } from "node:timers/promises";
import type { Cluster, ClusterProcessName } from "./start-cluster.ts";
import type { NodeIndex } from "./start-nats-cluster.ts";
import type { Bus } from "./start-stack.ts";
import { waitFor } from "./wait.ts";

/** What can happen to a cluster, by what it is. Each is over, and the cluster whole again, when it answers. */
export type ClusterFaults = Readonly<Record<string, () => Promise<void>>>;

/** How long a part is away, in milliseconds. */
export interface FaultTimes {
  readonly awayMs: number;
}

/** The broker that leads the log of tenant `demo`. */
async function findLeader(operator: Bus): Promise<NodeIndex> {
  const { streams } = await operator.manager();
  return waitFor("the log has a leader", async () => {
    const info = await streams.info("EVENTS_demo").catch(() => undefined);
    const [, number] = /^nats-([123])$/.exec(info?.cluster?.leader ?? "") ?? [];
    return number === undefined ? undefined : ((Number(number) - 1) as NodeIndex);
  });
}

/** The faults of that cluster; `operator` is a connection to the bus as policy. */
export function clusterFaults(cluster: Cluster, operator: Bus, { awayMs }: FaultTimes): ClusterFaults {
  const leader = (): Promise<NodeIndex> => findLeader(operator);
  const broker = (index: NodeIndex) => cluster.process(`nats-${(index + 1) as 1 | 2 | 3}`);
  const isWhole = async (): Promise<void> => {
    for (const node of cluster.nats.nodes) await waitFor(`${node.name} follows`, () => node.isHealthy(), 60_000);
  };
  const partition = async (cut: (index: NodeIndex) => void): Promise<void> => {
    cut(await leader());
    await delay(awayMs);
    cluster.nats.isolate(undefined);
    await isWhole();
  };
  const failOver = async (hold: (name: "redis-1" | "redis-2") => Promise<void>): Promise<void> => {
    const primary = await findPrimary(cluster);
    await hold(primary);
    await waitFor("people log in again", () => cluster.login("alice").then(Boolean, () => false));
    await cluster.process(primary).restart();
    await waitFor("the other one follows", async () => (await replicasOf(cluster)) === 1, 60_000);
  };
  return {
    "the leader is killed": async () => {
      const process = broker(await leader());
      await process.kill();
      await delay(awayMs);
      await process.restart();
    },
    "the leader stands still": async () => {
      const process = broker(await leader());
      await process.stop();
      await delay(awayMs);
      await process.cont();
      await isWhole();
    },
    "the leader is cut off": () => partition((index) => cluster.nats.isolate(index)),
    "the leader hears nothing": () =>
      partition((index) => {
        for (const other of othersOf(index)) cluster.nats.deafen(index, other);
      }),
    "nobody hears the leader": () =>
      partition((index) => {
        for (const other of othersOf(index)) cluster.nats.deafen(other, index);
      }),
    "the primary of Redis is killed": () => failOver((name) => cluster.process(name).kill()),
    "the primary of Redis stands still": () => failOver((name) => cluster.process(name).stop()),
    "a broker is told to go, and started again": async () => {
      const process = broker(await leader());
      await process.end("SIGUSR2");
      await process.restart();
    },
    ...Object.fromEntries(
      cluster.names
        .filter((name) => !name.startsWith("redis"))
        .map((name: ClusterProcessName) => [`${name} is started again`, () => cluster.process(name).restart()]),
    ),
  };
}

function othersOf(index: NodeIndex): NodeIndex[] {
  return ([0, 1, 2] as const).filter((other) => other !== index);
}

async function findPrimary(cluster: Cluster): Promise<"redis-1" | "redis-2"> {
  const roles = await Promise.all(cluster.redis.servers.map((server) => roleOf(server)));
  return roles[1]?.includes("role:master") === true && roles[0]?.includes("role:master") !== true
    ? "redis-2"
    : "redis-1";
}

async function replicasOf(cluster: Cluster): Promise<number> {
  const roles = await Promise.all(cluster.redis.servers.map((server) => roleOf(server)));
  return roles.filter((role) => role.includes("master_link_status:up")).length;
}

function roleOf(server: Cluster["redis"]["servers"][number]): Promise<string> {
  return server.admin("INFO replication").catch(() => "");
}
