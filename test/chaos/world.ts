import type { ClusterProcess } from "#test/support/cluster-process.ts";
import type { Bus, StackCalls } from "#test/support/start-stack.ts";
import type { NatsUser } from "#test/support/start-nats.ts";
import type { ProxyMode } from "#test/support/tcp-proxy.ts";

/** What a process of the stack is. */
export type Component = "broker" | "redis" | "sentinel" | "auth" | "policy" | "publish" | "edge" | "proxy";

/** The ends of a link: processes of a kind, whatever calls, or two regions. */
export type Side = Component | "services" | "regions";

/** A process of the stack. */
export interface Process extends ClusterProcess {
  readonly component: Component;
  /** Whether it takes new work. */
  isReady(): Promise<boolean>;
}

/** A part of the network of the stack: everything that the one side calls the other for. */
export interface Link {
  /** `edge-1 to auth`. */
  readonly name: string;
  readonly from: Side;
  readonly to: Side;
  set(mode: ProxyMode): void;
  /** The ports of this machine that its packets go to. */
  readonly ports: readonly number[];
}

/** What can be done to brokers that are a cluster. */
export interface BrokerCluster {
  /** The name of the broker that leads the tenant's log now. */
  leaderOf(tenant: string): Promise<string>;
  /** Cuts a broker off from the others, without closing a connection; undefined joins all again. */
  isolate(broker: string | undefined): void;
  /** Nothing that `from` sends reaches `to` any more; `isolate(undefined)` ends it. */
  deafen(to: string, from: string): void;
}

/** The data of all brokers. */
export interface Stores {
  /** Takes a copy, for which it stops and starts all brokers. */
  copy(): Promise<void>;
  /** Kills all brokers, and starts them with the copy. Calls `lost` between: what was answered until then may be gone, and nothing else. */
  restore(lost: () => void): Promise<void>;
}

/** The home of two regions, which is written in one of them. */
export interface Home {
  /** Gives it to the other region, as planned; answers that region's name. */
  promote(): Promise<string>;
  /** Has the region of before mirror it. */
  rejoin(): Promise<void>;
}

/** An address that clients open streams at. */
export interface Door {
  readonly name: string;
  readonly url: string;
}

/** A real stack, and what can be done to it. */
export interface World extends AsyncDisposable {
  readonly calls: StackCalls;
  readonly processes: readonly Process[];
  readonly links: readonly Link[];
  /** Whether an edge has workers, which it starts again itself. */
  readonly hasWorkers: boolean;
  /** Undefined where there is one broker, or more than one cluster. */
  readonly brokers: BrokerCluster | undefined;
  /** Undefined where there is one region. */
  readonly home: Home | undefined;
  readonly stores: Stores;
  /** Without a slash at the end, one for each process. */
  readonly authUrls: readonly string[];
  readonly publishUrls: readonly string[];
  /** Where clients come to: each edge, and the proxy in front of all. */
  readonly doors: readonly Door[];
  /** What an operator's command needs to reach the bus as that user. */
  natsUrl(user: NatsUser): string;
  /** A connection to the bus, closed with the stack. */
  bus(user: NatsUser): Promise<Bus>;
  /** Sets the wall clock of that process off from the machine's. */
  setClock(process: Process, aheadMs: number): Promise<void>;
  /** The disk of that broker; undefined where this process may not mount any. */
  diskOf(process: Process): { fill(): Promise<void>; free(): Promise<void> } | undefined;
}

/** The tenants of every stack. Their people and their policies are the same. */
export const TENANTS = ["demo", "rival"] as const;

export type Tenant = (typeof TENANTS)[number];

/** The processes of that kind. */
export function processesOf(world: World, component: Component): readonly Process[] {
  return world.processes.filter((process) => process.component === component);
}

/** Says so where there is no process of that kind. */
export function withoutAny(component: Component): (world: World) => string | undefined {
  return (world) => (processesOf(world, component).length === 0 ? `there is no ${component}` : undefined);
}

/** The brokers as a cluster, for faults that are left out where there is none. */
export function clusterOf({ brokers }: World): BrokerCluster {
  if (brokers === undefined) throw new Error("there is no cluster of brokers");
  return brokers;
}

/** Says so where there is none. */
export function withoutCluster({ brokers }: World): string | undefined {
  return brokers === undefined ? "there is no cluster of brokers, with a network of its own" : undefined;
}

/** The process with that name. */
export function processNamed({ processes }: Pick<World, "processes">, name: string): Process {
  const found = processes.find((process) => process.name === name);
  if (found === undefined) throw new Error(`there is no process ${name}`);
  return found;
}
