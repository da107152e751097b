import {
  type ClusterPasswords,
  type DemoPasswords,
  type DemoPorts,
  type DemoService,
  demoSettings,
  type PortVariable,
} from "../demo-settings.ts";
import type { FurtherPort } from "./ports.ts";
import { PROXIED, type ProxiedService } from "./proxy-config.ts";

/** Between the ports of two processes of one kind. */
const STEP = 100;

/** From the ports of NATS to those by which its servers reach each other, and from those of Redis to those of the Sentinels. */
const [TO_ROUTES, TO_SENTINELS] = [2_000, 1_000];

/** The places of the processes of one kind. */
export const [PAIR, TRIPLE] = [[1, 2] as const, [1, 2, 3] as const];

/** Ports of the first of two. */
const OF_PAIRS: readonly PortVariable[] = [
  "STREAM_OPS_PORT",
  "AUTH_OPS_PORT",
  "POLICY_OPS_PORT",
  "PUBLISH_OPS_PORT",
  "WEBHOOKS_OPS_PORT",
  "AUTH_GRPC_PORT",
  "POLICY_GRPC_PORT",
  "REDIS_PORT",
];

/** The port of the nth process, where `variable` is that of the first. */
export function nthPort(ports: DemoPorts, variable: PortVariable, n: number): number {
  return ports[variable] + STEP * (n - 1);
}

/** The HTTP port of the nth process behind the proxy, which has the one that clients know. */
export function httpPortOf(ports: DemoPorts, service: ProxiedService, n: number): number {
  return nthPort(ports, `${prefixOf(service)}_HTTP_PORT`, n + 1);
}

/** The port by which the other servers reach the nth of NATS. */
export function routePort(ports: DemoPorts, n: number): number {
  return nthPort(ports, "NATS_PORT", n) + TO_ROUTES;
}

/** The port of the nth Sentinel. */
export function sentinelPort(ports: DemoPorts, n: number): number {
  return nthPort(ports, "REDIS_PORT", n) + TO_SENTINELS;
}

/** All ports of a cluster beside those that `ports` names, each with the variable that moves it. */
export function furtherPorts(ports: DemoPorts): FurtherPort[] {
  return [
    ...OF_PAIRS.map((variable) => ({ variable, port: nthPort(ports, variable, 2) })),
    ...PROXIED.flatMap((service) =>
      PAIR.map((n) => ({ variable: `${prefixOf(service)}_HTTP_PORT` as const, port: httpPortOf(ports, service, n) })),
    ),
    ...[2, 3].map((n) => ({ variable: "NATS_PORT" as const, port: nthPort(ports, "NATS_PORT", n) })),
    ...TRIPLE.map((n) => ({ variable: "NATS_PORT" as const, port: routePort(ports, n) })),
    ...TRIPLE.map((n) => ({ variable: "REDIS_PORT" as const, port: sentinelPort(ports, n) })),
  ];
}

/** The settings of the services in a cluster on this machine, the same for each process of a service but for its ports. */
export function clusterSettings(
  ports: DemoPorts,
  passwords: DemoPasswords & ClusterPasswords,
): Record<DemoService, NodeJS.ProcessEnv> {
  const single = demoSettings(ports, passwords);
  const both = (variable: PortVariable): string =>
    PAIR.map((n) => `127.0.0.1:${nthPort(ports, variable, n)}`).join(",");
  const all = (settings: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
    ...settings,
    AUTH_GRPC_URL: both("AUTH_GRPC_PORT"),
    POLICY_GRPC_URL: both("POLICY_GRPC_PORT"),
    NATS_URL: [settings["NATS_URL"], ...[2, 3].map((n) => `127.0.0.1:${nthPort(ports, "NATS_PORT", n)}`)].join(","),
    ...redisOf(settings["REDIS_URL"], ports, passwords),
  });
  return {
    auth: { ...all(single.auth), NATS_REPLICAS: "3", AUTH_TRUSTED_PROXIES: "127.0.0.1" },
    policy: {
      ...all(single.policy),
      NATS_REPLICAS: "3",
      POLICY_TRUSTED_PROXIES: "127.0.0.1",
      POLICY_OPS_URLS: opsUrlsOf(ports),
    },
    publish: { ...all(single.publish), PUBLISH_TRUSTED_PROXIES: "127.0.0.1" },
    stream: { ...all(single.stream), STREAM_WORKERS: "2", STREAM_TRUSTED_PROXIES: "127.0.0.1" },
    webhooks: all(single.webhooks),
  };
}

/** The same user, at the primary that the Sentinels know. */
function redisOf(url: string | undefined, ports: DemoPorts, passwords: ClusterPasswords): NodeJS.ProcessEnv {
  if (url === undefined) return {};
  const { username, password } = new URL(url);
  const sentinels = TRIPLE.map((n) => `127.0.0.1:${sentinelPort(ports, n)}`).join(",");
  return {
    REDIS_URL: `redis+sentinel://${username}:${password}@${sentinels}/sluice`,
    REDIS_SENTINEL_USERNAME: "service",
    REDIS_SENTINEL_PASSWORD: passwords.REDIS_SENTINEL_PASSWORD,
  };
}

/** Where policy asks all the others how they are. */
function opsUrlsOf(ports: DemoPorts): string {
  const others = ["auth", "publish", "stream", "webhooks"] as const;
  const urls = others.flatMap((service) =>
    PAIR.map((n) => `${service}-${n}=http://127.0.0.1:${nthPort(ports, `${prefixOf(service)}_OPS_PORT`, n)}`),
  );
  return urls.join(",");
}

/** What the variables of a service begin with. */
export function prefixOf<Service extends DemoService>(service: Service): Uppercase<Service> {
  return service.toUpperCase() as Uppercase<Service>;
}
