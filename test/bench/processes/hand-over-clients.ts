import { setTimeout as delay } from "node:timers/promises";
import { appendLedger, type Entry, monotonicMs } from "#test/support/checker/ledger.ts";
import { openRawStream } from "#test/support/raw-stream.ts";

// A process of its own with clients that connect after an id they choose at random among the last ones, read until they are
// at the head, read on for a moment, and connect again elsewhere. Each connection counts as a client of its own in the ledger.
//
//   { port, file, token, clients, deliveries } → { handOvers, stuck } once so many events were delivered

interface Begin {
  readonly port: number;
  readonly file: string;
  readonly token: string;
  readonly clients: number;
  readonly deliveries: number;
}

/** How far back a client begins, in events, and how long it stays at the head, at most. */
const MAX_BEHIND = 2_000;
const MAX_STAY_MS = 200;

/** Where two connections of a client are this far apart, about a tenth of all clients is connected at a time. */
const MAX_PAUSE_MS = 4_000;

const GIVE_UP_MS = 30_000;

const entries: Entry[] = [];
const ids: string[] = [];
let head = 0;
let delivered = 0;
let handOvers = 0;
let stuck = 0;

process.on("message", (message: Begin) => void run(message));

async function run(setting: Begin): Promise<void> {
  const watching = openRawStream({
    ...streamOf(setting, 0),
    lastEventId: undefined,
    onFrame: ({ event, id }) => {
      if (event === "message") see(id);
    },
  });
  while (ids.length < MAX_BEHIND) await delay(50);
  const timer = setInterval(() => appendLedger(setting.file, entries.splice(0)), 250);
  await Promise.all(Array.from({ length: setting.clients }, (_, index) => wander(setting, index)));
  clearInterval(timer);
  appendLedger(setting.file, entries.splice(0));
  watching.kill();
  process.send?.({ handOvers, stuck }, () => process.exit());
}

async function wander(setting: Begin, index: number): Promise<void> {
  for (let turn = 0; delivered < setting.deliveries; turn += 1) {
    await delay(Math.random() * MAX_PAUSE_MS);
    if (delivered < setting.deliveries) await visit(setting, index, `client ${index}.${turn}`);
  }
}

/** One connection, from an id of the past to a while after it is at the head. */
async function visit(setting: Begin, index: number, client: string): Promise<void> {
  const after = ids[ids.length - 1 - Math.floor(Math.random() * MAX_BEHIND)];
  const atHead = Promise.withResolvers<boolean>();
  const giveUp = setTimeout(() => atHead.resolve(false), GIVE_UP_MS);
  entries.push({ of: "opened", client, tenant: "demo", connection: client, after, at: monotonicMs() });
  const stream = openRawStream({
    ...streamOf(setting, index),
    lastEventId: after,
    onFrame: ({ event, id, data }) => {
      const text = event === "ready" ? "" : data;
      entries.push({ of: "received", client, connection: client, event, id, text, at: monotonicMs() });
      if (event !== "message") return;
      delivered += 1;
      if (see(id) >= head) atHead.resolve(true);
    },
  });
  if (await atHead.promise) handOvers += 1;
  else stuck += 1;
  clearTimeout(giveUp);
  await delay(Math.random() * MAX_STAY_MS);
  stream.kill();
}

/** Takes a note of an id, and answers its sequence. */
function see(id: string | undefined): number {
  const sequence = Number(id?.split(".", 2)[1]);
  if (id !== undefined && sequence > head) {
    head = sequence;
    ids.push(id);
  }
  return sequence;
}

function streamOf({ port, token }: Begin, index: number) {
  return { port, token, localAddress: `127.0.${1 + (index % 50)}.1`, path: "/v1/stream?topic=push.>" };
}
