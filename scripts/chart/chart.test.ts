import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { findOnPath } from "../provision/find-on-path.ts";
import { requireCommand } from "../shared/run-command.ts";
import { KNOWN_SETTINGS } from "#shared/config/known-settings.ts";
import { CHART, KUSTOMIZE, kustomizeBase, madeFiles, RENDERS, sourceLine, VALUES } from "./chart-files.ts";

interface Container {
  readonly image: string;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly resources: object;
  readonly lifecycle: object;
  readonly livenessProbe: { readonly httpGet: { readonly path: string } };
  readonly startupProbe: { readonly periodSeconds: number; readonly failureThreshold: number };
  readonly readinessProbe: { readonly periodSeconds: number; readonly failureThreshold: number };
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly strategy: object;
    readonly replicas?: number;
    readonly template: {
      readonly spec: { readonly containers: readonly [Container]; readonly terminationGracePeriodSeconds: number };
    };
    readonly ports: readonly { readonly name: string; readonly port: number }[];
    /** Of a NetworkPolicy. */
    readonly ingress?: readonly {
      readonly ports: readonly { readonly port: string }[];
      readonly from?: readonly object[];
    }[];
    readonly egress?: readonly { readonly ports?: readonly object[]; readonly to?: readonly object[] }[];
    /** Of an HTTPRoute. */
    readonly rules?: readonly { readonly timeouts?: object }[];
  };
}

const renders = await readdir(RENDERS);
const rendered = new Map(
  await Promise.all(
    renders.map(async (file) => [file, parseManifests(await readFile(join(RENDERS, file), "utf8"))] as const),
  ),
);

test("the chart's copies are those of the project's own files", async () => {
  for (const [name, text] of Object.entries(await madeFiles())) {
    // `npm run gen` writes them.
    expect(await readFile(join(CHART, name), "utf8")).toBe(text);
  }
});

test("the base for Kustomize is what is rendered of the plainest values, without Helm's lines", async () => {
  const base = await readFile(join(KUSTOMIZE, "base", "sluice.yaml"), "utf8");
  expect(base).toBe(await kustomizeBase());
  expect(base).not.toMatch(/managed-by|helm\.sh/);
});

test("Kustomize builds the example, whose settings are in force", async () => {
  if (findOnPath("kubectl", process.env["PATH"] ?? "") === undefined) return;
  const built = parseManifests(await requireCommand("kubectl", ["kustomize", join(KUSTOMIZE, "example")]));
  const services = built.filter(({ kind }) => kind === "Deployment");
  const settings = services.flatMap(({ spec }) => spec.template.spec.containers[0].env);
  const issuers = settings.flatMap(({ name, value }) => (name === "AUTH_ISSUER" ? [value] : []));
  expect(issuers).toEqual(services.map(() => "https://auth.example.org"));
  expect(settings).toContainEqual({ name: "STREAM_DRAIN_MS", value: "30000" });
});

test("auth and policy that stand by for another region are replaced without being ready", () => {
  const standing = deployments("standby.yaml");
  expect(standing.map(({ metadata }) => metadata.name).toSorted()).toEqual(["sluice-auth", "sluice-policy"]);
  for (const { spec } of standing) {
    expect(spec.strategy).toEqual({ rollingUpdate: { maxUnavailable: "100%", maxSurge: 0 } });
    // Not ready, they are alive: nobody restarts them.
    expect(spec.template.spec.containers[0].livenessProbe.httpGet.path).toBe("/healthz");
  }
  const budgets = manifests("standby.yaml").filter(({ kind }) => kind === "PodDisruptionBudget");
  expect(budgets).toHaveLength(2);
  for (const { spec } of budgets) expect(spec).toMatchObject({ unhealthyPodEvictionPolicy: "AlwaysAllow" });
});

test("whoever checks tokens reaches auth's keys, also where the public ports are for others alone", () => {
  const [policy] = manifests("full.yaml").filter(
    ({ kind, metadata }) => kind === "NetworkPolicy" && metadata.name === "sluice-auth",
  );
  const { ingress = [] } = policy?.spec ?? {};
  expect(ingress.find(({ ports }) => ports[0]?.port === "http")?.from).toContainEqual({
    podSelector: { matchLabels: { "app.kubernetes.io/name": "sluice", "app.kubernetes.io/instance": "sluice" } },
  });
});

test("pods listen on all of their addresses where those are of IPv6", () => {
  const settings = deployments("narrow.yaml").flatMap(({ spec }) => spec.template.spec.containers[0].env);
  const addresses = settings.filter(({ name }) => name.endsWith("_BIND_ADDRESS"));
  // Of each service those of its operations, of all but webhooks those of HTTP, and of two those of gRPC.
  expect(addresses.map(({ value }) => value)).toEqual(Array.from({ length: 11 }, () => "::"));
});

test("the number of edges is left alone where the values have none", () => {
  const replicas = deployments("narrow.yaml").map(({ metadata, spec }) => [metadata.name, spec.replicas]);
  expect(Object.fromEntries(replicas)).toMatchObject({ "sluice-stream": undefined, "sluice-auth": 1 });
});

test("an ingress lets as large a body pass as any service takes", () => {
  const [ingress] = manifests("narrow.yaml").filter(({ kind }) => kind === "Ingress");
  const megabytes = Number.parseInt(
    ingress?.metadata.annotations?.["nginx.ingress.kubernetes.io/proxy-body-size"] ?? "1m",
    10,
  );
  // Of an import of policies, and the most that PUBLISH_BODY_MAX_BYTES may be.
  expect(megabytes * 2 ** 20).toBeGreaterThan(64 * 2 ** 20);
});

test("routes to who sends event streams have no limit of time: the edge, and policy's console", () => {
  const routes = manifests("full.yaml").filter(({ kind }) => kind === "HTTPRoute");
  const lasting = routes.filter(({ spec }) => spec.rules?.every(({ timeouts }) => timeouts !== undefined));
  expect(lasting.map(({ metadata }) => metadata.name).toSorted()).toEqual(["sluice-policy", "sluice-stream"]);
  for (const { spec } of lasting) expect(spec.rules?.[0]?.timeouts).toEqual({ request: "0s", backendRequest: "0s" });
});

test("edges take newcomers while NATS elects a leader, which leaves all of them without a log", () => {
  const goAfter = deployments("plain.yaml").map(({ metadata, spec }) => {
    const { periodSeconds, failureThreshold } = spec.template.spec.containers[0].readinessProbe;
    return [metadata.name.replace("sluice-", ""), periodSeconds * failureThreshold];
  });
  // docs/operate/cluster.md: a leader takes 4 to 9 s.
  expect(Object.fromEntries(goAfter)).toEqual({ stream: 20, auth: 4, policy: 4, publish: 4, webhooks: 4 });
});

describe.each(renders)("what is rendered of %s", (file) => {
  test("is made of the chart and the values as they stand: `npm run chart`", async () => {
    const text = await readFile(join(RENDERS, file), "utf8");
    expect(text.slice(0, text.indexOf("\n") + 1)).toBe(await sourceLine(join(VALUES, file)));
  });

  test("runs each service as nobody, on a file system it cannot write, with a limit to its memory", () => {
    for (const { spec } of deployments(file)) {
      const { containers } = spec.template.spec;
      expect(spec.template.spec).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      });
      expect(containers[0]).toMatchObject({
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        startupProbe: { httpGet: { path: "/healthz" } },
        readinessProbe: { httpGet: { path: "/readyz" } },
        livenessProbe: { httpGet: { path: "/healthz" } },
      });
      expect(containers[0].resources).toMatchObject({
        limits: { memory: expect.any(String) },
        requests: { cpu: expect.any(String) },
      });
      expect(containers[0].image).toMatch(/:\d+\.\d+\.\d+(?:-[\w.-]+)?$|@sha256:[0-9a-f]{64}$/);
    }
  });

  test("sets settings that there are, none of them secret", () => {
    const variables = deployments(file).flatMap(({ spec }) => spec.template.spec.containers[0].env);
    const names = new Set(variables.map(({ name }) => name));
    expect([...names].filter((name) => !KNOWN_SETTINGS.includes(name))).toEqual([]);
    expect([...names].filter((name) => /NATS_URL|REDIS_URL|TOKEN$|ENCRYPTION_KEY$|PASSWORD/.test(name))).toEqual([]);
    expect(names).toContain("AUTH_USERS_FILE");
  });

  test("gives each service longer to end than its drain and its proxies take", () => {
    for (const { spec } of deployments(file)) {
      const { containers, terminationGracePeriodSeconds } = spec.template.spec;
      const drain = containers[0].env.find(({ name }) => name === "STREAM_DRAIN_MS")?.value ?? 5_000;
      expect(containers[0].lifecycle).toEqual({ preStop: { sleep: { seconds: 10 } } });
      expect(terminationGracePeriodSeconds).toBe(10 + Number(drain) / 1_000 + 5);
    }
  });

  test("waits for a start that has much to read", () => {
    for (const { spec } of deployments(file)) {
      const { periodSeconds, failureThreshold } = spec.template.spec.containers[0].startupProbe;
      expect(periodSeconds * failureThreshold).toBeGreaterThanOrEqual(300);
    }
  });

  test("lets out and in what its network policies name, and nothing for want of a name", () => {
    for (const { spec } of manifests(file).filter(({ kind }) => kind === "NetworkPolicy")) {
      for (const { ports, to } of spec.egress ?? []) expect(to?.length ?? ports?.length).toBeGreaterThan(0);
      for (const { to } of spec.egress ?? []) expect(to).not.toEqual([]);
      for (const { from } of spec.ingress ?? []) expect(from).not.toEqual([]);
    }
  });

  test("leads to each port of each service by its name", () => {
    const all = manifests(file);
    for (const { metadata, spec } of deployments(file)) {
      const names = [metadata.name, `${metadata.name}-grpc`];
      const services = all.filter((each) => each.kind === "Service" && names.includes(each.metadata.name));
      const led = services.flatMap((service) => service.spec.ports.map(({ name, port }) => `${name} ${port}`));
      const ports = spec.template.spec.containers[0].ports.map(({ name, containerPort }) => `${name} ${containerPort}`);
      expect(new Set(led)).toEqual(new Set(ports));
    }
  });
});

function manifests(file: string): readonly Manifest[] {
  return rendered.get(file) ?? [];
}

function deployments(file: string): readonly Manifest[] {
  const all = manifests(file).filter(({ kind }) => kind === "Deployment");
  expect(all.length).toBe(file === "standby.yaml" ? 2 : 5);
  return all;
}

function parseManifests(text: string): Manifest[] {
  const documents = [...parseAllDocuments(text)].map((document) => document.toJS() as Manifest | null);
  return documents.filter((each) => each !== null);
}
