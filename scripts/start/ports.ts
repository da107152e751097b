import { once } from "node:events";
import { createServer } from "node:net";
import type { DemoPorts, PortVariable } from "../demo-settings.ts";
import { ScriptError } from "../shared/run-script.ts";

/** A port that has no variable of its own, and the one that moves it. */
export interface FurtherPort {
  readonly variable: PortVariable;
  readonly port: number;
}

/**
 * Makes sure that each port can be listened on.
 * @throws {ScriptError} naming every port that is taken, and the variable that moves it.
 */
export async function requireFreePorts(ports: DemoPorts, further: readonly FurtherPort[] = []): Promise<void> {
  const own = (Object.entries(ports) as [PortVariable, number][]).map(([variable, port]) => {
    return { variable, port, remedy: `set ${variable} to a free one` };
  });
  const others = further.map((each) => ({ ...each, remedy: `it moves with ${each.variable}` }));
  const all = [...own, ...others];
  const faults = await Promise.all(
    all.map(async ({ port, remedy }, place) => {
      const twin = all.slice(0, place).find((other) => other.port === port);
      const fault = twin === undefined ? await tryPort(port) : `is ${twin.variable} too`;
      return fault === undefined ? [] : [`  port ${port} ${fault}: ${remedy}`];
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
