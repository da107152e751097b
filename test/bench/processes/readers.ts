import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";

// What test/bench/native/readers.c is, where there is no C compiler: it speaks the same lines, and costs far more.

const OPENING_AT_ONCE = 50;

const [port = "", file = "", mark = '"t":'] = process.argv.slice(2);
const MARK = Buffer.from(mark);

/** A client of a WebSocket that answers no ping is taken for gone. */
const [PING, PONG] = [Buffer.from([0x89, 0]), Buffer.from([0x8a, 0x80, 0, 0, 0, 0])];
const requests = readFileSync(file, "utf8").split(/(?<=\r\n\r\n)/);
const sockets: Socket[] = [];
const totals = { events: 0, bytes: 0, closed: 0 };
let latencies: number[] = [];

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await obey(line.split(" ")))}\n`);
}

async function obey([command, ...numbers]: readonly string[]): Promise<object> {
  const [from = 0, to = 0] = numbers.map(Number);
  if (command === "open") return openMany(from);
  if (command === "count") return totals;
  if (command === "latency") return summary();
  if (command === "reset") latencies = [];
  if (command === "pause") for (const socket of sockets.slice(from, to)) socket.pause();
  if (command === "resume") for (const socket of sockets.slice(from, to)) socket.resume();
  return {};
}

async function openMany(count: number): Promise<object> {
  const begin = performance.now();
  let opened = 0;
  for (let from = 0; from < count; from += OPENING_AT_ONCE) {
    const group = Array.from({ length: Math.min(OPENING_AT_ONCE, count - from) }, () => openOne(sockets.length));
    opened += (await Promise.all(group)).filter(Boolean).length;
  }
  return { opened, refused: count - opened, ms: performance.now() - begin };
}

function openOne(index: number): Promise<boolean> {
  const localAddress = `127.1.0.${1 + Math.floor(index / 10_000)}`;
  const socket = connect({ port: Number(port), host: "127.0.0.1", localAddress });
  sockets.push(socket);
  socket.write(requests[index % requests.length] ?? "");
  return new Promise((resolve) => {
    let carry = Buffer.alloc(0);
    socket.once("data", (chunk: Buffer) => {
      const text = chunk.toString("latin1");
      resolve(/^HTTP\/1\.1 (200|101)/.test(text) && !text.includes("event: busy"));
    });
    socket.on("data", (chunk: Buffer) => {
      totals.bytes += chunk.length;
      if (process.argv.length > 4 && chunk.includes(PING)) socket.write(PONG);
      const whole = Buffer.concat([carry, chunk]);
      countEvents(whole);
      // A mark may be torn between two chunks.
      carry = whole.subarray(Math.max(0, whole.length - MARK.length + 1));
    });
    socket.on("error", () => resolve(false)).on("close", () => (totals.closed += 1));
  });
}

function countEvents(chunk: Buffer): void {
  for (let at = chunk.indexOf(MARK); at !== -1; at = chunk.indexOf(MARK, at + MARK.length)) {
    totals.events += 1;
    const [, micros] = /^(\d+)\D/.exec(chunk.toString("latin1", at + MARK.length, at + 24)) ?? [];
    if (micros !== undefined) latencies.push(performance.timeOrigin + performance.now() - Number(micros) / 1_000);
  }
}

function summary(): object {
  const sorted = Float64Array.from(latencies).toSorted();
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  return { events: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? 0 };
}
