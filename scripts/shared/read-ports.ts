import { DEFAULT_COMPOSE_PORTS, DEFAULT_PORTS, type DemoPorts, MAX_PORT_OFFSET } from "../demo-settings.ts";
import { ScriptError } from "./run-script.ts";

const DEFAULTS = { ...DEFAULT_PORTS, ...DEFAULT_COMPOSE_PORTS };

/** The variable of a port of `npm start` or compose. */
type Variable = keyof typeof DEFAULTS;

/**
 * The ports of `npm start`: those that the environment asks for; for the rest the defaults, moved by `SLUICE_PORT_OFFSET`.
 * @throws {ScriptError} naming every variable that is wrong.
 */
export function readPorts(env: NodeJS.ProcessEnv): DemoPorts {
  return readAll(Object.keys(DEFAULT_PORTS) as (keyof typeof DEFAULT_PORTS)[], env);
}

/** The same, with those that compose opens beside them. */
export function readComposePorts(env: NodeJS.ProcessEnv): Readonly<Record<Variable, number>> {
  return readAll(Object.keys(DEFAULTS) as Variable[], env);
}

/** One of them. */
export function readPort(variable: Variable, env: NodeJS.ProcessEnv): number {
  return readAll([variable], env)[variable];
}

/**
 * How far `SLUICE_PORT_OFFSET` moves the ports that have no variable of their own set.
 * @throws {ScriptError} when it is no such number.
 */
export function readPortOffset(env: NodeJS.ProcessEnv): number {
  const offset = digits(env["SLUICE_PORT_OFFSET"] || "0");
  if (offset >= 0 && offset <= MAX_PORT_OFFSET) return offset;
  throw new ScriptError(`SLUICE_PORT_OFFSET must be a whole number from 0 to ${MAX_PORT_OFFSET}`);
}

function readAll<Name extends Variable>(
  names: readonly Name[],
  env: NodeJS.ProcessEnv,
): Readonly<Record<Name, number>> {
  const offset = readPortOffset(env);
  const ports = names.map((name) => {
    const given = env[name] || undefined;
    return [name, given === undefined ? DEFAULTS[name] + offset : digits(given)] as const;
  });
  const wrong = ports.filter(([, port]) => !(port >= 1 && port <= 65_535));
  if (wrong.length > 0) throw new ScriptError(`not a port from 1 to 65535: ${wrong.map(([name]) => name).join(", ")}`);
  return Object.fromEntries(ports) as Record<Name, number>;
}

/** JavaScript would take 0x1F90 and 1e3 for numbers, too. */
function digits(text: string): number {
  return /^(0|[1-9]\d*)$/.test(text) ? Number(text) : Number.NaN;
}
