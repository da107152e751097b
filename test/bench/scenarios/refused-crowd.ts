import { setTimeout as delay } from "node:timers/promises";
import { openAll, signTokens, topicOf } from "../reconnect-storm.ts";
import type { Scenario } from "../scenario.ts";
import { answerOf, startProcess } from "../start-process.ts";

const CLIENTS = 5_000;

/** How long the edge is full. */
const FULL_MS = 20_000;

/** Clients that a full edge refuses, until those before them leave. */
export const refusedCrowd: Scenario = {
  name: "refused-crowd",
  about: `${CLIENTS} clients that a full edge refuses for ${FULL_MS / 1_000} s, and then has places for`,
  async run({ issuer, startEdge }) {
    await using edge = await startEdge({ STREAM_MAX_CONNECTIONS: String(CLIENTS), STREAM_DRAIN_MS: "0" });
    await using before = await startProcess("storm-clients.ts");
    await using crowd = await startProcess("storm-clients.ts");
    const [holders, refused] = await Promise.all([signTokens(issuer, CLIENTS), signTokens(issuer, CLIENTS)]);
    await openAll(edge.ports.http, [before], holders.map(clientOf));
    const isIn = answerOf(crowd.process);
    const clients = refused.map(clientOf);
    crowd.process.send({ port: edge.ports.http, file: crowd.file, clients, atOnce: true });
    await delay(FULL_MS);
    const { busy, cpuSeconds } = await readFigures(edge.ports.ops);
    before.process.kill("SIGKILL");
    const begin = performance.now();
    await isIn;
    const seconds = (performance.now() - begin) / 1_000;
    return [
      { name: "until the last of the crowd was in", value: seconds, unit: "s", goal: { atMost: 60 } },
      { name: "refusals while the edge was full", value: busy, unit: "" },
      { name: "CPU of the edge by then", value: cpuSeconds, unit: "s" },
    ];
  },
};

function clientOf(token: string, index: number): { name: string; topic: string; token: string } {
  return { name: `client ${index}`, topic: topicOf(index % 500), token };
}

async function readFigures(port: number): Promise<{ busy: number; cpuSeconds: number }> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const figure = (name: string): number => {
    const line = text.split("\n").find((each) => each.startsWith(`${name} `));
    return Number(line?.split(" ")[1] ?? 0);
  };
  return {
    busy: figure('sluice_stream_handshakes_total{outcome="unavailable"}'),
    cpuSeconds: figure("process_cpu_seconds_total"),
  };
}
