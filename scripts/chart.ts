import { readdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { CHART, KUBERNETES, KUSTOMIZE, kustomizeBase, RENDERS, sourceLine, VALUES } from "./chart/chart-files.ts";
import { requireCommand, runCommand } from "./shared/run-command.ts";
import { requireHelm } from "./chart/require-helm.ts";
import { runScript, say, ScriptError } from "./shared/run-script.ts";

// `npm run chart`: renders the chart with each file of infra/helm/values, writes the base for Kustomize, and checks what comes of it by
// whatever is at hand: Helm must be, `kubernetes-validate` and kubectl may be.
await runScript(async () => {
  await requireHelm();
  for (const name of await readdir(VALUES)) {
    const values = join(VALUES, name);
    await requireCommand("helm", ["lint", "--strict", CHART, "--values", values, "--kube-version", KUBERNETES]);
    const render = join(RENDERS, name);
    const options = ["--namespace", "sluice", "--kube-version", KUBERNETES, "--values", values];
    const text = await requireCommand("helm", ["template", "sluice", CHART, ...options]);
    await writeFile(render, (await sourceLine(values)) + text);
    say(`${basename(render)} is rendered, and ${await validate(render)}`);
  }
  await writeFile(join(KUSTOMIZE, "base", "sluice.yaml"), await kustomizeBase());
  say(`the base for Kustomize is written, and ${await build(join(KUSTOMIZE, "example"))}`);
  return 0;
});

async function validate(render: string): Promise<string> {
  const { code, stdout } = await runCommand("kubernetes-validate", ["--strict", "--no-warn", render]);
  if (code === null) return "not validated: kubernetes-validate is not on PATH (pip install kubernetes-validate)";
  // It knows Kubernetes' own kinds alone.
  const faults = stdout.split("\n").filter((line) => line.startsWith("ERROR"));
  if (faults.length > 0) throw new ScriptError(faults.join("\n"));
  return "Kubernetes' schemas hold";
}

async function build(folder: string): Promise<string> {
  if ((await runCommand("kubectl", ["version", "--client"])).code !== 0) return "not built: kubectl is not on PATH";
  await requireCommand("kubectl", ["kustomize", folder]);
  return "the example is built of it";
}
