import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openEventStream } from "#test/support/event-stream.ts";
import { freeze, thaw } from "#test/support/freeze.ts";
import { readMetric } from "#test/support/read-metric.ts";
import { type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";
import { describeDrain, measureDrain } from "../bench/drain.ts";
import { amountOf, timeoutOf } from "../soak/amount.ts";

let stack: Stack;
let token: string;

beforeAll(async () => {
  stack = await startStack();
  token = (await stack.login("alice")).access_token;
});
afterAll(() => stack[Symbol.asyncDispose]());

async function connectTo(port: number, text: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  await once(socket, "connect");
  socket.write(text);
  return socket;
}

test("an edge told to stop ends in time: with open streams, handshakes that auth never answers, half a request, and silence", async () => {
  // A drain that ends before the handshakes would, and a handshake that would end long after the process has to.
  await using edge = await stack.startEdge({ STREAM_DRAIN_MS: "1000", STREAM_HANDSHAKE_MS: "60000" });
  const url = `http://127.0.0.1:${edge.ports.http}/v1/stream?topic=issues.>`;
  await using open = await openEventStream(url, { token });
  await open.frame("ready");
  await freeze(stack.auth.child.process);
  try {
    const request = `GET /v1/stream?topic=issues.> HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n`;
    const handshake = await connectTo(edge.ports.http, `${request}\r\n`);
    await connectTo(edge.ports.http, request);
    await connectTo(edge.ports.http, "");
    let answered = "";
    handshake.on("data", (chunk: Buffer) => void (answered += chunk.toString()));
    await waitFor(
      "the handshake is under way",
      async () => (await readMetric(edge, "sluice_stream_connections")) === 2,
    );

    const exited = once(edge.child.process, "exit");
    edge.child.process.kill("SIGTERM");
    const [code] = (await exited) as [number | null];
    expect(code).toBe(0);
    expect(open.frames.filter(({ event }) => event === "bye")).toHaveLength(1);
    // What was being opened has become no stream.
    expect(answered).not.toContain("event: ready");
    await open.closed();
  } finally {
    thaw(stack.auth.child.process);
  }
});

const CLIENTS = amountOf("drain", 200);

test(
  `${CLIENTS} clients of an edge that is stopped are told so once, move to another one, and lose and repeat nothing`,
  async () => {
    const load = { clients: CLIENTS, groups: CLIENTS / 10, ratePerSecond: 200, drainMs: 5_000 };
    const report = await measureDrain(stack, load);
    process.stdout.write(`${describeDrain(report)}\n`);
    const { account, told } = report;
    expect({ told, gaps: account.gaps, resets: account.resets }).toEqual({ told: CLIENTS, gaps: 0, resets: 0 });
  },
  timeoutOf(120_000),
);
