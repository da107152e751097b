import { cpus } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { natsServer, redisServer } from "../../scripts/provision/programs.ts";
import { provision } from "../../scripts/provision/provision.ts";
import { runScript, say } from "../../scripts/shared/run-script.ts";
import { startStack } from "#test/support/start-stack.ts";
import { type Latency, measureLatency } from "./latency.ts";

const RATE_PER_SECOND = 100;
const SECONDS = 15;

// `npm run bench`: measures on real servers and prints what it found, each figure beside one of the same run to compare with.
await runScript(async () => {
  say(
    `${cpus().length} × ${cpus()[0]?.model ?? "unknown CPU"}, Node ${process.version}; the load comes from the same machine`,
  );
  const home = resolve(".sluice");
  await provision([natsServer, redisServer], { home, path: process.env["PATH"] ?? "", say });
  process.env["PATH"] = `${join(home, "bin")}${delimiter}${process.env["PATH"]}`;
  await using stack = await startStack();
  say(`publish → EventSource, ${RATE_PER_SECOND} real webhook deliveries a second for ${SECONDS} s, milliseconds:`);
  for (const readers of [1, 100]) {
    const { bus, stream } = await measureLatency(stack, { ratePerSecond: RATE_PER_SECOND, seconds: SECONDS, readers });
    say(row("plain JetStream consumer", bus));
    say(
      `${row(`${readers} event stream${readers === 1 ? "" : "s"}`, stream)}  ${(stream.p50 / bus.p50).toFixed(2)} × the bus at p50`,
    );
  }
  return 0;
});

function row(name: string, { events, p50, p99 }: Latency): string {
  return `  ${name.padEnd(26)} ${String(events).padStart(7)} events  p50 ${p50.toFixed(2).padStart(6)}  p99 ${p99.toFixed(2).padStart(6)}`;
}
