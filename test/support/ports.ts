import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below the ports that the system gives to connections and to servers on port 0: nobody gets one while its server starts. */
const RANGE = { from: 12_000, to: 32_000 } as const;

/** Files of tests run in several processes: each gives ports of its own, so that none is taken while its server is away. */
const SHARES = 4;

const given = new Set<number>();

/** A TCP port that was free a moment ago, for servers that cannot report their own. */
export async function freePort(): Promise<number> {
  const share = Number(process.env["VITEST_POOL_ID"] ?? 0) % SHARES;
  for (;;) {
    const port = RANGE.from + share + SHARES * randomInt((RANGE.to - RANGE.from) / SHARES);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listening = Promise.race([
    once(server, "listening").then(() => true),
    new Promise<boolean>((resolve) => server.once("error", () => resolve(false))),
  ]);
  server.listen(port, "127.0.0.1");
  const isFound = await listening.catch(() => false);
  if (isFound) {
    server.close();
    await once(server, "close");
  }
  return isFound;
}
