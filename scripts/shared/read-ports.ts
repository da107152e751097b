import { DEFAULT_PORTS, type DemoPorts } from "../demo-settings.ts";
import { ScriptError } from "./run-script.ts";

/**
 * The ports the environment asks for, the defaults for the rest.
 * @throws {ScriptError} naming every variable that is not a port.
 */
export function readPorts(env: NodeJS.ProcessEnv): DemoPorts {
  const ports = Object.entries(DEFAULT_PORTS).map(
    ([variable, port]) => [variable, portOf(env[variable] || String(port))] as const,
  );
  const wrong = ports.filter(([, port]) => !Number.isInteger(port) || port < 1 || port > 65_535);
  if (wrong.length > 0) throw new ScriptError(`not a port from 1 to 65535: ${wrong.map(([name]) => name).join(", ")}`);
  return Object.fromEntries(ports) as DemoPorts;
}

/** Digits alone: JavaScript would take 0x1F90 and 1e3 for numbers, too. */
function portOf(text: string): number {
  return /^[1-9]\d*$/.test(text) ? Number(text) : Number.NaN;
}
