import { setTimeout as delay } from "node:timers/promises";
import { residentKiB } from "./account.ts";
import { collectHeap } from "./collect-heap.ts";
import { BOB, streamRequests } from "./load.ts";
import { openReaders, type Readers } from "./readers.ts";
import { type Road, ROADS } from "./roads.ts";
import type { Bench } from "./scenario.ts";
import type { RunningService } from "#test/support/start-service.ts";

/** What idle streams hold on one process, all of them open until it is disposed of. */
export interface IdleStreams extends AsyncDisposable {
  /** What the process holds without them. */
  readonly baseKiB: number;
  readonly streamKiB: Readonly<Record<Road["name"], number>>;
  /** How many are open. */
  open(): Promise<number>;
}

/** Opened and closed first: the code that they compile is no stream's share. */
const WARM_UP = 500;

/** Opens so many streams by each road, one road after the other, on an edge that is `COLLECTABLE`. */
export async function openIdleStreams(bench: Bench, edge: RunningService, count: number): Promise<IdleStreams> {
  await using opening = new AsyncDisposableStack();
  for (const road of ROADS) await (await openStreams(bench, edge, road, WARM_UP))[Symbol.asyncDispose]();
  const baseKiB = await heldKiB(edge);
  const streamKiB = { sse: 0, ndjson: 0, websocket: 0 };
  const all: Readers[] = [];
  let before = baseKiB;
  for (const road of ROADS) {
    all.push(opening.use(await openStreams(bench, edge, road, count)));
    const after = await heldKiB(edge);
    streamKiB[road.name] = (after - before) / count;
    before = after;
  }
  const streams = opening.move();
  return {
    baseKiB,
    streamKiB,
    async open() {
      const closed = await Promise.all(all.map(async (readers) => (await readers.received()).closed));
      return closed.reduce((left, each) => left - each, ROADS.length * count);
    },
    [Symbol.asyncDispose]: () => streams.disposeAsync(),
  };
}

async function openStreams(
  { issuer, programs }: Bench,
  edge: RunningService,
  { requestOf, mark }: Road,
  count: number,
): Promise<Readers> {
  const requests = await streamRequests(issuer, BOB, count, () => "push.>");
  return openReaders(programs, edge.ports.http, requests.map(requestOf), count, mark);
}

/** What the process holds once nothing is left to be collected. */
export async function heldKiB(edge: RunningService): Promise<number> {
  await delay(500);
  await collectHeap(edge);
  await delay(500);
  return residentKiB(edge.child.process.pid);
}
