import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Stack } from "#test/support/start-stack.ts";

/** What it costs to deliver one event to many readers. */
export interface FanOut {
  readonly delivered: number;
  /** CPU of the serving process per delivered event, in microseconds, by the kernel's accounting. */
  readonly cpuMicros: number;
}

/** The edge, and a bare loop that writes each event to each socket, under the same load one after the other. */
export interface FanOutReport {
  readonly edge: FanOut;
  readonly bareLoop: FanOut;
}

/** What is published: so many events of about this many bytes, a second, for so long, to so many readers. */
export interface FanOutLoad {
  readonly readers: number;
  readonly ratePerSecond: number;
  readonly seconds: number;
  readonly payloadBytes: number;
}

/** Measures both. Readers are a process of their own; on two cores they and the server have one each. */
export async function measureFanOut(stack: Stack, load: FanOutLoad): Promise<FanOutReport> {
  return { edge: await measureEdge(stack, load), bareLoop: await measureBareLoop(load) };
}

async function measureEdge(stack: Stack, load: FanOutLoad): Promise<FanOut> {
  const { access_token: token } = await stack.login("bob");
  const demo = await stack.bus("demo");
  const request = `GET /v1/stream?topic=push.> HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`;
  await using readers = await openReaders(load.readers, stack.edge.ports.http, request);
  const payload = JSON.stringify({ pad: "x".repeat(load.payloadBytes) });
  const publish = (): void => void demo.js.publish("events.demo.push.event.bench", payload);
  return await account(stack.edge.child.process.pid, readers, () => atRate(load, publish));
}

async function measureBareLoop(load: FanOutLoad): Promise<FanOut> {
  const frame = `id: 0123456789ab.12345678.abcdefg\ndata: ${JSON.stringify({ pad: "x".repeat(load.payloadBytes) })}\n\n`;
  const loop = forkProcess("write-loop.ts", [frame, String(load.ratePerSecond)]);
  const [port] = (await once(loop, "message")) as [number];
  await using readers = await openReaders(load.readers, port, "hello");
  const result = await account(loop.pid, readers, async () => {
    loop.send("begin");
    await delay(load.seconds * 1_000);
  });
  loop.kill("SIGKILL");
  return result;
}

interface Readers extends AsyncDisposable {
  frames(): Promise<number>;
}

async function openReaders(count: number, port: number, request: string): Promise<Readers> {
  const child = forkProcess("readers.ts", []);
  child.send({ open: count, port, request });
  await once(child, "message");
  return {
    async frames() {
      child.send("count");
      const [{ frames }] = (await once(child, "message")) as [{ frames: number }];
      return frames;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

async function account(pid: number | undefined, readers: Readers, run: () => Promise<void>): Promise<FanOut> {
  // What opening the streams has left to do must not be counted.
  await delay(2_000);
  const [cpuBefore, framesBefore] = [await cpuMillis(pid), await readers.frames()];
  await run();
  await delay(1_000);
  const [cpu, delivered] = [(await cpuMillis(pid)) - cpuBefore, (await readers.frames()) - framesBefore];
  return { delivered, cpuMicros: (cpu * 1_000) / delivered };
}

async function atRate({ ratePerSecond, seconds }: FanOutLoad, act: () => void): Promise<void> {
  const begin = performance.now();
  for (let done = 0; done < ratePerSecond * seconds; done += 1) {
    act();
    const wait = begin + ((done + 1) * 1_000) / ratePerSecond - performance.now();
    if (wait > 1) await delay(wait);
  }
}

/** User and system time of a process so far; the kernel counts in hundredths of a second. */
async function cpuMillis(pid: number | undefined): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function forkProcess(file: string, args: readonly string[]): ChildProcess {
  return fork(fileURLToPath(new URL(`processes/${file}`, import.meta.url)), [...args]);
}
