import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { filesBelow } from "../shared/files-below.ts";
import { projectPath } from "../shared/project-folder.ts";
import { valuesSchema } from "./values-schema.ts";

/** The chart, the values that it is rendered with, and what comes of them. */
export const CHART = projectPath("infra", "helm", "sluice");
export const VALUES = projectPath("infra", "helm", "values");
export const RENDERS = projectPath("infra", "helm", "renders");

/** The folder of what Kustomize reads. */
export const KUSTOMIZE = projectPath("infra", "kustomize");

/** What the renders are made for; the chart takes any from 1.30 on. */
export const KUBERNETES = "1.34.0";

/** The base for Kustomize: what is rendered of the plainest values, without the lines that Helm goes by. */
export async function kustomizeBase(): Promise<string> {
  const render = await readFile(join(RENDERS, "plain.yaml"), "utf8");
  const [, ...lines] = render.split("\n").filter((line) => !/^# Source: |helm\.sh\/chart|managed-by: Helm/.test(line));
  return `# Made by \`npm run chart\` of infra/helm/renders/plain.yaml\n${lines.join("\n")}`;
}

/** The chart's files that follow from others of the project, by their names in it. */
export async function madeFiles(): Promise<Readonly<Record<string, string>>> {
  const chart = await readFile(join(CHART, "Chart.yaml"), "utf8");
  const { version } = manifest;
  const schema = `${JSON.stringify(valuesSchema(), withoutLooksAhead, 2)}\n`;
  return {
    "values.schema.json": schema,
    "alerts.yml": await readFile(projectPath("infra", "observe", "alerts.yml"), "utf8"),
    "Chart.yaml": chart.replaceAll(/^(?<key>version|appVersion): .*$/gm, `$<key>: ${version}`),
  };
}

/** Stands at the top of a rendered file: it tells that chart and values are those that it was made of. */
export async function sourceLine(values: string): Promise<string> {
  const hash = createHash("sha256");
  for (const file of [...(await filesBelow(CHART)).toSorted(), values]) hash.update(await readFile(file));
  return `# Made by \`npm run chart\` of infra/helm/sluice; sources ${hash.digest("hex").slice(0, 16)}\n`;
}

/** Go's expressions, which Helm reads schemas by, do not look ahead. */
function withoutLooksAhead(key: string, value: unknown): unknown {
  return key === "pattern" && typeof value === "string" && value.includes("(?") ? undefined : value;
}
