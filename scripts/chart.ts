import { readdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { CHART, RENDERS, sourceLine, VALUES } from "./chart/chart-files.ts";
import { requireCommand, runCommand } from "./shared/run-command.ts";
import { runScript, say, ScriptError } from "./shared/run-script.ts";

/** What the renders are made for; the chart takes any from 1.29 on. */
const KUBERNETES = "1.34.0";

// `npm run chart`: renders the chart with each file of infra/helm/values, and checks what comes of it by whatever is at hand: Helm
// must be, `kubernetes-validate` and a cluster (KUBECONFIG) may be.
await runScript(async () => {
  if ((await runCommand("helm", ["version"])).code !== 0) {
    throw new ScriptError("helm is not on PATH: https://helm.sh, or go install helm.sh/helm/v3/cmd/helm@v3.22.0");
  }
  for (const name of await readdir(VALUES)) {
    const values = join(VALUES, name);
    await requireCommand("helm", ["lint", "--strict", CHART, "--values", values, "--kube-version", KUBERNETES]);
    const render = join(RENDERS, name);
    const options = ["--namespace", "sluice", "--kube-version", KUBERNETES, "--values", values];
    const text = await requireCommand("helm", ["template", "sluice", CHART, ...options]);
    await writeFile(render, (await sourceLine(values)) + text);
    say(`${basename(render)} is rendered, and ${await validate(render)}`);
  }
  return 0;
});

async function validate(render: string): Promise<string> {
  if (process.env["KUBECONFIG"] !== undefined) {
    await requireCommand("kubectl", ["apply", "--dry-run=server", "--validate=strict", "--filename", render]);
    return "a cluster would take it";
  }
  const { code, stdout } = await runCommand("kubernetes-validate", ["--strict", "--no-warn", render]);
  if (code === null) return "not validated: kubernetes-validate is not on PATH (pip install kubernetes-validate)";
  // It knows Kubernetes' own kinds alone.
  const faults = stdout.split("\n").filter((line) => line.startsWith("ERROR"));
  if (faults.length > 0) throw new ScriptError(faults.join("\n"));
  return "Kubernetes' schemas hold";
}
