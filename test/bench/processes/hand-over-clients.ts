import { setTimeout as delay } from "node:timers/promises";
import { appendLedger, type Entry, monotonicMs } from "#test/support/checker/ledger.ts";
import type { Frame } from "#test/support/parse-frame.ts";
import { openRawStream, type RawStream } from "#test/support/raw-stream.ts";

// A process of its own with clients that connect after an id they choose at random among the last ones, read until they are
// at the head, read on for a moment, and connect again elsewhere. Each connection counts as a client of its own in the ledger.
//
//   { port, file, token, clients, deliveries, handOvers } → { handOvers, stuck } once there were so many of both

interface Begin {
  readonly port: number;
  readonly file: string;
  readonly token: string;
  /** As many are connected at a time: were it more on a machine that is busy with something else, none would ever be at the head. */
  readonly clients: number;
  readonly deliveries: number;
  readonly handOvers: number;
}

/** How far back a client begins, in events, and how long it stays at the head, at most. */
const MAX_BEHIND = 1_000;
const MAX_STAY_MS = 200;

/** A client that is behind and gets nothing for so long is stuck. */
const GIVE_UP_MS = 60_000;

const entries: Entry[] = [];
const ids: string[] = [];
let head = 0;
let delivered = 0;
let handOvers = 0;
let stuck = 0;

process.on("message", (message: Begin) => void run(message));

async function run(setting: Begin): Promise<void> {
  const watching = keepOpen(setting, 0, {
    onFrame: ({ event, id }) => {
      if (event === "message") see(id);
    },
  });
  while (ids.length < MAX_BEHIND) await delay(50);
  const timer = setInterval(() => appendLedger(setting.file, entries.splice(0)), 250);
  await Promise.all(Array.from({ length: setting.clients }, (_, index) => wander(setting, index)));
  clearInterval(timer);
  appendLedger(setting.file, entries.splice(0));
  watching.leave();
  process.send?.({ handOvers, stuck }, () => process.exit());
}

async function wander(setting: Begin, index: number): Promise<void> {
  const isEnough = (): boolean => stuck > 0 || (delivered >= setting.deliveries && handOvers >= setting.handOvers);
  for (let turn = 0; !isEnough(); turn += 1) await visit(setting, index, `client ${index}.${turn}`);
}

/** One client, from an id of the past to a while after it is at the head. */
async function visit(setting: Begin, index: number, client: string): Promise<void> {
  const atHead = Promise.withResolvers<boolean>();
  const giveUp = setTimeout(() => atHead.resolve(false), GIVE_UP_MS);
  let connection = "";
  const kept = keepOpen(setting, index, {
    // Behind the head by one event at least: it hears of one whether another is published or not.
    after: ids[ids.length - 2 - Math.floor(Math.random() * (MAX_BEHIND - 1))],
    onOpen: (after, attempt) => {
      connection = `${client}/${attempt}`;
      entries.push({ of: "opened", client, tenant: "demo", connection, after, at: monotonicMs() });
    },
    onFrame: ({ event, id, data }) => {
      const text = event === "ready" ? "" : data;
      entries.push({ of: "received", client, connection, event, id, text, at: monotonicMs() });
      if (event !== "message") return;
      giveUp.refresh();
      delivered += 1;
      if (see(id) >= head) atHead.resolve(true);
    },
  });
  if (await atHead.promise) handOvers += 1;
  else stuck += 1;
  clearTimeout(giveUp);
  await delay(Math.random() * MAX_STAY_MS);
  kept.leave();
}

interface Kept {
  readonly after?: string | undefined;
  readonly onOpen?: (after: string | undefined, attempt: number) => void;
  readonly onFrame: (frame: Frame) => void;
}

/** A stream that comes back behind its last id where the edge is busy or ends it. */
function keepOpen({ port, token }: Begin, index: number, { after, onOpen, onFrame }: Kept): { leave(): void } {
  const place = { port, token, localAddress: `127.0.${1 + (index % 50)}.1`, path: "/v1/stream?topic=push.>" };
  let lastEventId = after;
  let stream: RawStream | undefined;
  const open = (attempt: number): void => {
    onOpen?.(lastEventId, attempt);
    const opened = openRawStream({
      ...place,
      lastEventId,
      onFrame: (frame) => {
        lastEventId = frame.id ?? lastEventId;
        onFrame(frame);
      },
    });
    stream = opened;
    void comeBack(opened, attempt + 1);
  };
  const comeBack = async ({ closed }: RawStream, attempt: number): Promise<void> => {
    const retryMs = await closed;
    await delay(stream === undefined ? 0 : retryMs);
    if (stream !== undefined) open(attempt);
  };
  open(0);
  return {
    leave() {
      stream?.kill();
      stream = undefined;
    },
  };
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
