import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

/** How a server fails its clients. */
export type EdgeFailure = "refuses" | "dies in the headers" | "says nothing" | "begins streams";

/** A server in an edge's place that does nothing but fail. */
export interface FailingEdge extends AsyncDisposable {
  readonly port: number;
  fail(failure: EdgeFailure): Promise<void>;
  /** Ends every connection, as the kernel does for a killed process. */
  cut(): void;
}

/** Starts a server that says nothing, until `fail`. */
export async function startFailingEdge(): Promise<FailingEdge> {
  const answer: Record<EdgeFailure, (socket: Socket) => void> = {
    refuses: (socket) => socket.resetAndDestroy(),
    "dies in the headers": (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Ty", () => socket.resetAndDestroy()),
    "says nothing": () => {},
    "begins streams": (socket) => socket.write(STREAM),
  };
  let failing: EdgeFailure = "says nothing";
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket.on("error", () => {}));
    socket.once("data", () => answer[failing](socket)).once("close", () => open.delete(socket));
  });
  const { port } = (await listen(server, 0)).address() as AddressInfo;
  const cut = (): void => {
    for (const socket of open) socket.destroy();
  };
  const stop = async (): Promise<void> => {
    cut();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  return {
    port,
    async fail(failure) {
      failing = failure;
      if (failure === "refuses") return stop();
      if (!server.listening) await listen(server, port);
    },
    cut,
    [Symbol.asyncDispose]: stop,
  };
}

const FRAME = "data: first\n\n";

/** The beginning of a stream: its last chunk, the one without bytes, never comes. */
const STREAM = [
  "HTTP/1.1 200 OK",
  "Content-Type: text/event-stream",
  "Transfer-Encoding: chunked",
  "",
  FRAME.length.toString(16),
  FRAME,
  "",
].join("\r\n");

async function listen(server: Server, port: number): Promise<Server> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}
