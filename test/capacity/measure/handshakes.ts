import { cpuMillis } from "../../bench/account.ts";
import { openAll, startClients } from "../../bench/peers/clients.ts";
import { createOurs } from "../../bench/peers/ours.ts";
import type { Bench } from "../../bench/scenario.ts";
import { redisDuring, type RedisLoad } from "./redis-load.ts";

/** What one handshake takes of each service, in microseconds, and of Redis. */
export interface HandshakeCost {
  readonly edge: number;
  readonly auth: number;
  readonly policy: number;
  readonly redis: RedisLoad;
}

/** Just-in-time compilation and first allocations are not what is measured. */
const WARM_UP = 500;

const AT_A_TIME = 64;

/** Measures what opening a stream takes, with tokens that are new to the edge, and with the same again. The edge counts in Redis. */
export async function measureHandshakes(
  bench: Bench,
  isQuick: boolean,
): Promise<{ readonly newToken: HandshakeCost; readonly knownToken: HandshakeCost }> {
  const handshakes = isQuick ? 1_000 : 2_500;
  const { stack, programs } = bench;
  const env = { REDIS_URL: stack.redis.streamUrl };
  const entrant = await createOurs({ ...bench, startEdge: (more = {}) => bench.startEdge({ ...env, ...more }) });
  await using contender = await entrant.start();
  await using clients = await startClients(programs, contender, { requests: WARM_UP + handshakes, topics: 1 });
  // It keeps the tenant's log open.
  await openAll(clients, 1);
  await clients.visit(WARM_UP, 0, AT_A_TIME);
  const pids = [contender.pid, stack.auth.child.process.pid, stack.policy.child.process.pid];
  const measure = async (): Promise<HandshakeCost> => {
    const before = await Promise.all(pids.map(cpuMillis));
    const redis = await redisDuring(stack.redis, handshakes, async () => {
      const { refused } = await clients.visit(handshakes, WARM_UP, AT_A_TIME);
      if (refused > 0) throw new Error(`${refused} of ${handshakes} handshakes were refused`);
    });
    const after = await Promise.all(pids.map(cpuMillis));
    const [edge = 0, auth = 0, policy = 0] = after.map(
      (cpu, place) => (1_000 * (cpu - (before[place] ?? 0))) / handshakes,
    );
    return { edge, auth, policy, redis };
  };
  const newToken = await measure();
  return { newToken, knownToken: await measure() };
}
