import { checkSettings } from "../config/check-settings.ts";
import type { Origins } from "../config/describe-settings.ts";
import type { DemoService } from "../demo-settings.ts";
import { ScriptError } from "../shared/run-script.ts";
import { SERVICES } from "../shared/service-calls.ts";
import { saidIn } from "./demo-servers.ts";

/**
 * Makes sure that every service would take its settings on top of those of the demo, before anything is started.
 * @throws {ScriptError} naming each that is wrong, with the file and line that set it.
 */
export function requireSettings(
  byDemo: Readonly<Record<DemoService, NodeJS.ProcessEnv>>,
  env: NodeJS.ProcessEnv,
  origins: Origins,
): void {
  const said = saidIn(env);
  const faults = SERVICES.flatMap((service) => checkSettings(service, { ...byDemo[service], ...said }, origins));
  const errors = faults.filter(({ kind }) => kind === "error").map(({ message }) => `  ${message}`);
  if (errors.length === 0) return;
  throw new ScriptError(`nothing was started, because these settings are wrong:\n${[...new Set(errors)].join("\n")}`);
}
