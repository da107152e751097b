import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { type Finding, ok, warn } from "../shared/finding.ts";

/** So many connections over two sockets: with an even chance, one gets less than a quarter in one of ten million runs. */
const CONNECTIONS = 120;
const LEAST_SHARE = 0.25;

const ACCEPTED_WITHIN_MS = 2_000;

/** Whether the kernel deals connections out evenly to processes that share a port, as workers of an edge do; measured on loopback. */
export async function sharePortFindings(): Promise<Finding[]> {
  try {
    return [shareFinding(await countShares())];
  } catch (error) {
    return [
      warn("workers", `no port can be shared here: ${(error as Error).message}`, "run one worker: STREAM_WORKERS=1"),
    ];
  }
}

/** What it means that two sockets of one port got so many connections. */
export function shareFinding(shares: readonly [number, number]): Finding {
  const all = shares[0] + shares[1];
  const found = `${shares[0]} and ${shares[1]} of ${all} connections came to two sockets of one port: so they are dealt out to workers`;
  if (Math.min(...shares) >= LEAST_SHARE * all) return ok("workers", found);
  return warn("workers", found, "some workers would be full while others are empty: run one worker, STREAM_WORKERS=1");
}

async function countShares(): Promise<readonly [number, number]> {
  await using servers = new AsyncDisposableStack();
  const first = await listen(servers, 0);
  const { port } = first.server.address() as AddressInfo;
  const second = await listen(servers, port);
  for (let opened = 0; opened < CONNECTIONS; opened += 1) {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.destroy();
  }
  // Those that the kernel has taken may not have been accepted yet.
  const giveUpAt = performance.now() + ACCEPTED_WITHIN_MS;
  while (first.count() + second.count() < CONNECTIONS && performance.now() < giveUpAt) await setImmediate();
  return [first.count(), second.count()];
}

async function listen(
  servers: AsyncDisposableStack,
  port: number,
): Promise<{ readonly server: Server; readonly count: () => number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    // A client that is gone already resets it.
    socket.on("error", () => undefined).destroy();
  });
  servers.defer(async () => {
    server.close();
    await once(server, "close");
  });
  server.listen({ port, host: "127.0.0.1", reusePort: true });
  await once(server, "listening");
  return { server, count: () => connections };
}
