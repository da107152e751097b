import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LinkMode, RegionName } from "./start-region-servers.ts";
import { type Regions, userOf } from "./start-regions.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import type { Bus } from "./start-stack.ts";

/** What edges and publishers of two regions are told, and what connects the regions. */
export interface RegionSettings {
  /** The settings of an edge or a publisher that serves home eu, whose own bus is at that address for such a user. */
  of(region: RegionName, service: "stream" | "publish", natsUrl: (user: string) => string): Promise<NodeJS.ProcessEnv>;
  /** Has all that connects region us with eu be in this mode: the link of the buses, and what us asks of eu's auth and policy. */
  link(mode: LinkMode): void;
  /** The ports that what crosses the link goes to. */
  readonly linkPorts: readonly number[];
}

/** Plans them; `stack` ends what it starts. In region us, home eu is a further one. */
export async function planRegionSettings(regions: Regions, stack: AsyncDisposableStack): Promise<RegionSettings> {
  const { eu } = regions;
  const folder = await mkdtemp(join(tmpdir(), "sluice-regions-"));
  stack.defer(() => rm(folder, { recursive: true }));
  const far: TcpProxy[] = [];
  const through = async (port: number): Promise<number> => {
    const proxy = stack.use(await startTcpProxy(port));
    far.push(proxy);
    return proxy.port;
  };
  const { auth, policy } = eu.eu.ports;
  const [authGrpc, authHttp, policyGrpc] = [
    await through(auth.grpc),
    await through(auth.http),
    await through(policy.grpc),
  ];
  const homesFile = async (service: "stream" | "publish", natsUrl: (user: string) => string): Promise<string> => {
    const home = {
      name: "eu",
      natsUrl: natsUrl(userOf("us", "eu", service)),
      auth: `127.0.0.1:${authGrpc},127.0.0.1:${eu.us.ports.auth.grpc}`,
      policy: `127.0.0.1:${policyGrpc},127.0.0.1:${eu.us.ports.policy.grpc}`,
      issuer: eu.issuer,
      jwksUrl: [`http://127.0.0.1:${authHttp}`, eu.us.authUrl].map((url) => `${url}/.well-known/jwks.json`).join(","),
    };
    const path = join(folder, `${service}.yaml`);
    await writeFile(path, JSON.stringify([home]));
    return path;
  };
  return {
    of: async (region, service, natsUrl) => ({
      NATS_URL: natsUrl(service),
      ...(region === "eu"
        ? {
            AUTH_ISSUER: eu.issuer,
            AUTH_JWKS_URL: [eu.eu, eu.us].map(({ authUrl }) => `${authUrl}/.well-known/jwks.json`).join(","),
            // The seat may move: only the processes that serve listen.
            AUTH_GRPC_URL: `127.0.0.1:${auth.grpc},127.0.0.1:${eu.us.ports.auth.grpc}`,
            POLICY_GRPC_URL: `127.0.0.1:${policy.grpc},127.0.0.1:${eu.us.ports.policy.grpc}`,
          }
        : { AUTH_ISSUER: "http://auth.us.test", SLUICE_HOMES_FILE: await homesFile(service, natsUrl) }),
    }),
    link(mode) {
      regions.brokers.link(mode);
      for (const proxy of far) proxy.set(mode === "one-way" ? "pass" : mode);
    },
    linkPorts: [...regions.brokers.linkPorts, ...far.map(({ port }) => port)],
  };
}

/** How commands come to home eu in both regions, for SLUICE_REGIONS. */
export function operatorUrls({ brokers }: Regions): readonly string[] {
  return (["eu", "us"] as const).map((region) => `${region}=${brokers[region].url(userOf(region, "eu", "operator"))}`);
}

/** Has the connection of a publisher's user write events: it does so under a subject of its own. */
export function asProducer(bus: Bus): Bus {
  const ingest = (subject: string): string => subject.replace(/^events\./, "ingest.");
  const js = Object.create(bus.js, {
    publish: { value: (subject: string, ...more: [Uint8Array]) => bus.js.publish(ingest(subject), ...more) },
  }) as Bus["js"];
  return { ...bus, js, publish: (subject, payload) => bus.publish(ingest(subject), payload) };
}
