import { once } from "node:events";
import { createServer } from "node:net";
import { DEFAULT_PORTS, type DemoPorts, type PortVariable } from "../demo-settings.ts";
import { ScriptError } from "../shared/run-script.ts";

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

/**
 * Makes sure that each port can be listened on.
 * @throws {ScriptError} naming every port that is taken, and the variable that moves it.
 */
export async function requireFreePorts(ports: DemoPorts): Promise<void> {
  const entries = Object.entries(ports) as [PortVariable, number][];
  const faults = await Promise.all(
    entries.map(async ([variable, port], place) => {
      const twin = entries.slice(0, place).find(([, other]) => other === port);
      const fault = twin === undefined ? await tryPort(port) : `is ${twin[0]} too`;
      return fault === undefined ? [] : [`  port ${port} ${fault}: set ${variable} to a free one`];
    }),
  );
  if (faults.flat().length === 0) return;
  throw new ScriptError(
    `nothing was started, because ports are taken (is another stack running?):\n${faults.flat().join("\n")}`,
  );
}

async function tryPort(port: number): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen({ host: "127.0.0.1", port, exclusive: true });
    await once(server, "listening");
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EADDRINUSE" ? "is in use" : "cannot be listened on";
  } finally {
    server.close();
  }
}
