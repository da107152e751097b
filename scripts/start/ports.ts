import { once } from "node:events";
import { createServer } from "node:net";
import type { DemoPorts, PortVariable } from "../demo-settings.ts";
import { ScriptError } from "../shared/run-script.ts";

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
  const taken = `nothing was started, because ports are taken (is another stack running?):\n${faults.flat().join("\n")}`;
  throw new ScriptError(`${taken}\nor move all that have no variable of their own set: SLUICE_PORT_OFFSET=10000`);
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
