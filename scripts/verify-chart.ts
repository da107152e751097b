import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { VALUES } from "./chart/chart-files.ts";
import { requireHelm } from "./chart/require-helm.ts";
import { verifyInstall } from "./chart/verify-install.ts";
import { requireCommand } from "./shared/run-command.ts";
import { runScript, say, ScriptError } from "./shared/run-script.ts";

// `npm run k8s:verify`: has the cluster that KUBECONFIG names judge the chart, in a namespace of its own that goes again. No pod needs to
// run: the images may be missing.
await runScript(async () => {
  if (process.env["KUBECONFIG"] === undefined) {
    throw new ScriptError("KUBECONFIG names no cluster: set it to one in which you may make a namespace");
  }
  await requireHelm();
  for (const name of await readdir(VALUES)) {
    const namespace = `sluice-verify-${randomBytes(4).toString("hex")}`;
    await requireCommand("kubectl", ["create", "namespace", namespace]);
    try {
      say(`${name} ${await verifyInstall(name, namespace)}`);
    } finally {
      await requireCommand("kubectl", ["delete", "namespace", namespace, "--wait=false"]);
    }
  }
  return 0;
});
