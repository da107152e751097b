import { accepts } from "../../scripts/shared/accepts.ts";
import type { Child } from "./child.ts";

export { accepts };

/** Whether a server takes connections on a port of this machine. Throws where its process has ended. */
export function takesConnections(child: Child, port: number): Promise<boolean> {
  if (child.process.exitCode !== null) throw new Error("it ended");
  return accepts(port);
}
