import { preparePrograms } from "./programs.ts";
import { startIssuer } from "#test/support/start-issuer.ts";
import { startStack } from "#test/support/start-stack.ts";
import { atRate, BOB, MALLORY, payloadOf, streamRequests } from "./load.ts";
import { openReaders } from "./readers.ts";
import { longestStall } from "./longest-stall.ts";
import { setTimeout as delay } from "node:timers/promises";
await using programs = await preparePrograms();
await using issuer = await startIssuer();
await using stack = await startStack();
const prof = { NODE_OPTIONS: "--import /tmp/prof.mjs" };
async function go(n: number, m: number, rate: number, q: number) {
  await using edge = await stack.startEdge({ AUTH_JWKS_URL: issuer.jwksUri, ...prof });
  const [demo, rival] = [await stack.bus("demo"), await stack.bus("rival")];
  await using a = await openReaders(programs, edge.ports.http, await streamRequests(issuer, BOB, n, () => "push.>"), n);
  await using b = await openReaders(
    programs,
    edge.ports.http,
    await streamRequests(issuer, MALLORY, m, () => "push.>"),
    m,
  );
  await delay(3000);
  await longestStall(edge);
  process.kill(edge.child.process.pid!, "SIGUSR2");
  await Promise.all([
    atRate(
      { ratePerSecond: rate, seconds: 8 },
      () => void demo.js.publish("events.demo.push.event.bench", payloadOf(200)),
    ),
    atRate(
      { ratePerSecond: q, seconds: 8 },
      () => void rival.js.publish("events.rival.push.event.bench", payloadOf(200)),
    ),
  ]);
  console.log(
    n,
    rate,
    edge.child.process.pid,
    await longestStall(edge),
    JSON.stringify(await a.latency()),
    JSON.stringify(await b.latency()),
  );
  await delay(3000);
}
await go(800, 200, 500, 10);
await go(10000, 1, 50, 0);
