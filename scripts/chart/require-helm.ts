import { runCommand } from "../shared/run-command.ts";
import { ScriptError } from "../shared/run-script.ts";

/**
 * Resolves where Helm is on PATH.
 * @throws {ScriptError} that says where it is had from.
 */
export async function requireHelm(): Promise<void> {
  if ((await runCommand("helm", ["version"])).code === 0) return;
  throw new ScriptError("helm is not on PATH: https://helm.sh, or go install helm.sh/helm/v3/cmd/helm@v3.22.0");
}
