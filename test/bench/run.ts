import { cpus } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { natsServer, redisServer } from "../../scripts/provision/programs.ts";
import { provision } from "../../scripts/provision/provision.ts";
import { runScript, say } from "../../scripts/shared/run-script.ts";
import { type Stack, startStack } from "#test/support/start-stack.ts";
import { type FanOut, measureFanOut } from "./fan-out.ts";
import { describeHandOver, measureHandOver } from "./hand-over.ts";
import { measureHandshakes, type PerCore } from "./handshakes.ts";
import { type Latency, measureLatency } from "./latency.ts";
import { type PolicyScenario, policyScenarios } from "./policy/scenarios.ts";
import { describeStorm, measureStorm } from "./reconnect-storm.ts";

const HAND_OVER = { clients: 500, ratePerSecond: 2_000, deliveries: 1_000_000 };
const STORM = { clients: 10_000, groups: 100, ratePerSecond: 500, processes: 2 };

// `npm run bench`: measures on real servers and prints what it found, each figure beside one of the same run to compare with.
await runScript(async () => {
  const home = resolve(".sluice");
  await provision([natsServer, redisServer], { home, path: process.env["PATH"] ?? "", say });
  process.env["PATH"] = `${join(home, "bin")}${delimiter}${process.env["PATH"]}`;
  const [cpu] = cpus();
  say(
    `${cpus().length} × ${cpu?.model ?? "unknown CPU"}, Node ${process.version}; the load comes from the same machine`,
  );
  await using stack = await startStack();
  await latency(stack);
  await fanOut(stack);
  await handshakes(stack);
  for (const scenario of policyScenarios) await policyScenario(scenario);
  say(`\n${describeHandOver(await measureHandOver(stack, HAND_OVER))}`);
  say(`\n${describeStorm(await measureStorm(stack, STORM), STORM)}`);
  return 0;
});

async function latency(stack: Stack): Promise<void> {
  const load = { ratePerSecond: 100, seconds: 15 };
  say(`\npublish → EventSource, ${load.ratePerSecond} real webhook deliveries a second, milliseconds:`);
  for (const readers of [1, 100]) {
    const { bus, stream } = await measureLatency(stack, { ...load, readers });
    say(latencyRow("plain JetStream consumer", bus));
    const ratio = (stream.p50 / bus.p50).toFixed(2);
    say(`${latencyRow(`${readers} event stream${readers === 1 ? "" : "s"}`, stream)}   ${ratio} × the bus at p50`);
  }
}

async function fanOut(stack: Stack): Promise<void> {
  say("\none event to 1 000 readers, 200 bytes, CPU of the serving process for each delivery, microseconds:");
  for (const ratePerSecond of [50, 500]) {
    const { edge, bareLoop } = await measureFanOut(stack, {
      readers: 1_000,
      ratePerSecond,
      seconds: 8,
      payloadBytes: 180,
    });
    say(fanOutRow(`bare write loop, ${ratePerSecond}/s`, bareLoop));
    const ratio = (edge.cpuMicros / bareLoop.cpuMicros).toFixed(2);
    say(`${fanOutRow(`the edge, ${ratePerSecond}/s`, edge)}   ${ratio} × the bare loop`);
  }
}

async function handshakes(stack: Stack): Promise<void> {
  say("\nhandshakes (token verified, session and grant asked, ready told), for each second of one core's time:");
  const { jose, verified, remembered, cold, cached, storm } = await measureHandshakes(stack, {
    handshakes: 4_000,
    clients: 2_000,
  });
  const ratio = ({ perSecond }: PerCore): string => (perSecond / jose.perSecond).toFixed(2);
  say(handshakeRow("bare jose verification", jose));
  say(`${handshakeRow("our verification", verified)}   ${ratio(verified)} × bare jose`);
  say(`${handshakeRow("of a token seen before", remembered)}   ${ratio(remembered)} × bare jose`);
  say(`${handshakeRow("handshake, new token", cold)}   ${ratio(cold)} × bare jose`);
  say(`${handshakeRow("handshake, known token", cached)}   ${ratio(cached)} × bare jose`);
  const { clients, seconds, authCalls } = storm;
  const perCall = (clients / authCalls).toFixed(0);
  say(
    `  ${clients} clients at once: ready in ${seconds.toFixed(1)} s, ${authCalls} calls of auth, one for ${perCall} handshakes`,
  );
}

async function policyScenario({ name, about, run }: PolicyScenario): Promise<void> {
  say(`\n${name}: ${about}`);
  for (const { name: figure, value, unit, goal } of await run()) {
    const reached = goal === undefined ? "" : "atMost" in goal ? `   ≤ ${goal.atMost}` : `   ≥ ${goal.atLeast}`;
    say(`  ${figure.padEnd(44)} ${value.toFixed(3).padStart(12)} ${unit}${reached}`);
  }
}

function latencyRow(name: string, { events, p50, p99 }: Latency): string {
  return `  ${name.padEnd(26)} ${String(events).padStart(8)} events   p50 ${p50.toFixed(2).padStart(6)}   p99 ${p99.toFixed(2).padStart(6)}`;
}

function fanOutRow(name: string, { delivered, cpuMicros }: FanOut): string {
  return `  ${name.padEnd(26)} ${String(delivered).padStart(8)} delivered   ${cpuMicros.toFixed(2).padStart(6)}`;
}

function handshakeRow(name: string, { perSecond }: PerCore): string {
  return `  ${name.padEnd(26)} ${perSecond.toFixed(0).padStart(8)} /s`;
}
