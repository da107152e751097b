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
  readonly command: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly resources: { readonly limits: { readonly memory?: string }; readonly requests: { readonly cpu?: string } };
  readonly securityContext: object;
  readonly lifecycle: object;
  readonly livenessProbe: { readonly httpGet: { readonly path: string } };
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly strategy: object;
    readonly template: {
      readonly spec: { readonly containers: readonly [Container]; readonly terminationGracePeriodSeconds: number };
    };
    readonly ports: readonly { readonly name: string; readonly port: number }[];
    /** Of a NetworkPolicy. */
    readonly ingress?: readonly {
      readonly ports: readonly { readonly port: string }[];
      readonly from?: readonly object[];
    }[];
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
      expect(containers[0].image).toMatch(/:\d+\.\d+\.\d+$|@sha256:[0-9a-f]{64}$/);
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
