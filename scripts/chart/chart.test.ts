import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { KNOWN_SETTINGS } from "#shared/config/known-settings.ts";
import { CHART, madeFiles, RENDERS, sourceLine, VALUES } from "./chart-files.ts";

interface Container {
  readonly image: string;
  readonly command: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly resources: { readonly limits: { readonly memory?: string }; readonly requests: { readonly cpu?: string } };
  readonly securityContext: object;
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly template: {
      readonly spec: { readonly containers: readonly [Container]; readonly terminationGracePeriodSeconds: number };
    };
    readonly ports: readonly { readonly name: string; readonly port: number }[];
  };
}

const renders = await readdir(RENDERS);

test("the chart's copies are those of the project's own files", async () => {
  for (const [name, text] of Object.entries(await madeFiles())) {
    // `npm run gen` writes them.
    expect(await readFile(join(CHART, name), "utf8")).toBe(text);
  }
});

describe.each(renders)("what is rendered of %s", (file) => {
  test("is made of the chart and the values as they stand: `npm run chart`", async () => {
    const text = await readFile(join(RENDERS, file), "utf8");
    expect(text.slice(0, text.indexOf("\n") + 1)).toBe(await sourceLine(join(VALUES, file)));
  });

  test("runs each service as nobody, on a file system it cannot write, with a limit to its memory", async () => {
    for (const { spec } of await deployments(file)) {
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
        startupProbe: expect.anything(),
        readinessProbe: expect.anything(),
        livenessProbe: expect.anything(),
      });
      expect(containers[0].resources).toMatchObject({
        limits: { memory: expect.any(String) },
        requests: { cpu: expect.any(String) },
      });
      expect(containers[0].image).toMatch(/:\d+\.\d+\.\d+$|@sha256:[0-9a-f]{64}$/);
    }
  });

  test("sets settings that there are, none of them secret", async () => {
    const variables = (await deployments(file)).flatMap(({ spec }) => spec.template.spec.containers[0].env);
    const names = new Set(variables.map(({ name }) => name));
    expect([...names].filter((name) => !KNOWN_SETTINGS.includes(name))).toEqual([]);
    expect([...names].filter((name) => /NATS_URL|REDIS_URL|TOKEN$|ENCRYPTION_KEY$|PASSWORD/.test(name))).toEqual([]);
    expect(names).toContain("AUTH_USERS_FILE");
  });

  test("gives the edge longer to end than its drain and its proxies take", async () => {
    const edge = (await deployments(file)).find(({ metadata }) => metadata.name === "sluice-stream");
    const { containers, terminationGracePeriodSeconds } = edge?.spec.template.spec ?? {};
    const drain = containers?.[0].env.find(({ name }) => name === "STREAM_DRAIN_MS");
    expect(terminationGracePeriodSeconds).toBe(10 + Number(drain?.value) / 1_000 + 5);
  });

  test("leads to each port of each service by its name", async () => {
    const all = await manifests(file);
    for (const { metadata, spec } of await deployments(file)) {
      const service = all.find((each) => each.kind === "Service" && each.metadata.name === metadata.name);
      const ports = spec.template.spec.containers[0].ports.map(({ name, containerPort }) => [name, containerPort]);
      expect(service?.spec.ports.map(({ name, port }) => [name, port])).toEqual(ports);
    }
  });
});

async function manifests(file: string): Promise<Manifest[]> {
  const documents = parseAllDocuments(await readFile(join(RENDERS, file), "utf8"));
  return [...documents].map((document) => document.toJS() as Manifest | null).filter((each) => each !== null);
}

async function deployments(file: string): Promise<Manifest[]> {
  const all = (await manifests(file)).filter(({ kind }) => kind === "Deployment");
  expect(all.map(({ metadata }) => metadata.name)).toHaveLength(5);
  return all;
}
