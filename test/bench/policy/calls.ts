import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { credentials } from "@grpc/grpc-js";
import { type CheckBatchRequest, DecisionServiceClient } from "#proto/policy/v1/decision.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import { cpuMillis } from "#test/support/read-metric.ts";
import { startStack } from "#test/support/start-stack.ts";
import type { Figure } from "../scenario.ts";
import { quantile } from "../quantile.ts";

const BATCH = 64;
const PER_SECOND = 500;
const SECONDS = 10;
const WARM_UP = 500;

/** Asks policy 500 times a second 64 checks at once, and a bare gRPC server that says yes to whatever it is asked. */
export async function measureCalls(): Promise<readonly Figure[]> {
  await using stack = await startStack();
  const { policy } = stack;
  const echo = fork(fileURLToPath(new URL("../processes/echo-checks.ts", import.meta.url)));
  try {
    const [port] = (await once(echo, "message")) as [number];
    const bare = await measure(port);
    const cpuBefore = await cpuMillis(policy);
    const ours = await measure(policy.ports.grpc);
    const cpuPerBatch = ((await cpuMillis(policy)) - cpuBefore) / (ours.length + WARM_UP);
    return [
      { name: "bare gRPC, p50", value: quantile(bare, 0.5), unit: "ms" },
      { name: "bare gRPC, p99", value: quantile(bare, 0.99), unit: "ms" },
      { name: `${BATCH} checks, p50`, value: quantile(ours, 0.5), unit: "ms" },
      { name: `${BATCH} checks, p99`, value: quantile(ours, 0.99), unit: "ms", goal: { atMost: 5 } },
      { name: "CPU of policy for each batch", value: cpuPerBatch, unit: "ms" },
    ];
  } finally {
    echo.kill("SIGKILL");
  }
}

/** How long each call took from when it was due, whoever was late, in milliseconds. */
async function measure(port: number): Promise<number[]> {
  using stack = new DisposableStack();
  const client = new DecisionServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
  stack.defer(() => client.close());
  const call = (): Promise<unknown> => callUnary(client.checkBatch.bind(client), request, { timeoutMs: 10_000 });
  // Just-in-time compilation is not what is measured.
  for (let warm = 0; warm < WARM_UP; warm += 1) await call();
  request.atLeast = (await callUnary(client.checkBatch.bind(client), request, { timeoutMs: 10_000 })).version;
  const took: number[] = [];
  const calls: Promise<void>[] = [];
  const begin = performance.now();
  for (let done = 0; done < PER_SECOND * SECONDS; done += 1) {
    const due = begin + (done * 1_000) / PER_SECOND;
    const wait = due - performance.now();
    if (wait > 1) await delay(wait);
    calls.push(call().then(() => void took.push(performance.now() - Math.max(due, begin))));
  }
  await Promise.all(calls);
  return took;
}

/** Four people of the demo's tenant, a group of theirs, four permissions, over and over. */
const request: CheckBatchRequest = {
  tenant: "demo",
  checks: Array.from({ length: BATCH }, (_, index) => ({
    subject: { id: ["alice", "bob", "carol", "dave"][index % 4] ?? "", roles: [], groups: ["ops"], issuer: undefined },
    question: { $case: "permission", value: `${["issues", "push", "pull_request", "release"][(index >> 2) % 4]}:read` },
    attributes: {},
  })),
  atLeast: undefined,
};
