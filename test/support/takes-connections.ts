import { connect } from "node:net";
import type { Child } from "./child.ts";

/** Whether a server takes connections on a port of this machine. Throws where its process has ended. */
export function takesConnections(child: Child, port: number): Promise<boolean> {
  if (child.process.exitCode !== null) throw new Error("it ended");
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
      .once("connect", () => {
        socket.destroy();
        resolve(true);
      })
      .once("error", () => resolve(false));
  });
}
