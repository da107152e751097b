import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { requireCommand, runCommand } from "../shared/run-command.ts";
import { ScriptError } from "../shared/run-script.ts";
import { CHART, KUBERNETES, VALUES } from "./chart-files.ts";

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
}

const RELEASE = "sluice";

/**
 * Has the cluster judge what the chart makes of a file of values, in a namespace of its own: a dry run that takes no field it does not
 * know and no warning of the restricted Pod Security Standard, then an install, an upgrade to another setting, and an uninstall that
 * leaves nothing. Answers what was done. What the cluster has no kind for is left out of the dry run, and then nothing is installed.
 * @throws {ScriptError} with what the cluster says.
 */
export async function verifyInstall(name: string, namespace: string): Promise<string> {
  const values = join(VALUES, name);
  const level = "pod-security.kubernetes.io/warn=restricted";
  await requireCommand("kubectl", ["label", "namespace", namespace, level]);
  const options = ["--namespace", namespace, "--values", values];
  const text = await requireCommand("helm", ["template", RELEASE, CHART, ...options, "--kube-version", KUBERNETES]);
  const known = new Set((await requireCommand("kubectl", ["api-versions"])).trim().split("\n"));
  const documents = parseAllDocuments(text);
  const versionOf = (document: (typeof documents)[number]): string => (document.toJS() as Manifest).apiVersion;
  const taken = documents.filter((each) => each.contents !== null && known.has(versionOf(each)));
  await dryRun(taken.map(String).join(""), namespace);
  const missing = documents.filter((each) => each.contents !== null && !taken.includes(each)).map(versionOf);
  if (missing.length > 0) {
    return `would be taken but for ${[...new Set(missing)].join(", ")}, which the cluster does not know: not installed`;
  }
  await quietly("helm", ["install", RELEASE, CHART, ...options]);
  await quietly("helm", ["upgrade", RELEASE, CHART, ...options, "--set", "settings.LOG_LEVEL=debug"]);
  await requireRolled(namespace);
  await quietly("helm", ["uninstall", RELEASE, "--namespace", namespace]);
  const kinds = [...new Set(taken.map((each) => (each.toJS() as Manifest).kind.toLowerCase()))].join(",");
  const left = await requireCommand("kubectl", [
    "--namespace",
    namespace,
    "get",
    kinds,
    "--output",
    "name",
    "--selector",
    `app.kubernetes.io/instance=${RELEASE}`,
  ]);
  if (left !== "") throw new ScriptError(`${name}: an uninstall leaves ${left.trim().split("\n").join(", ")}`);
  return "was installed, upgraded and uninstalled";
}

async function dryRun(text: string, namespace: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-verify-"));
  try {
    const file = join(folder, "rendered.yaml");
    await writeFile(file, text);
    const options = ["--dry-run=server", "--validate=strict", "--namespace", namespace, "--filename", file];
    await quietly("kubectl", ["apply", ...options]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Each Deployment has the other setting, and so pods of its own: the setting is in its template. */
async function requireRolled(namespace: string): Promise<void> {
  const path = 'jsonpath={range .items[*]}{.metadata.name} {.metadata.generation}{"\\n"}{end}';
  const generations = await requireCommand("kubectl", [
    "--namespace",
    namespace,
    "get",
    "deployments",
    "--output",
    path,
  ]);
  const still = generations
    .trim()
    .split("\n")
    .filter((line) => line.endsWith(" 1"));
  if (still.length > 0) throw new ScriptError(`a changed setting rolls nothing of ${still.join(", ")}`);
}

/** A warning of the cluster is a fault: it is about what the next one refuses. */
async function quietly(command: string, args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await runCommand(command, args);
  const warnings = stderr.split("\n").filter((line) => /^(?:Warning|W\d{4}\b)|level=WARN/.test(line));
  if (code !== 0 || warnings.length > 0) {
    throw new ScriptError(`${[command, ...args.slice(0, 3)].join(" ")}: ${warnings.join("\n") || stderr || stdout}`);
  }
}
