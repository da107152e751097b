import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { poll } from "#shared/async/poll.ts";
import { SEAT_STREAM } from "#shared/contract/home.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import { type HomeSeat, seatIn } from "./home/read-holding.ts";
import { regionOf } from "./region-of.ts";

/** A link that is cut is known after this long, and a little more. */
const ASK_EVERY_MS = 1_000;

/** An answer that is later than this is not waited for. */
const TIMEOUT_MS = 2_000;

const infoSchema = z.object({
  config: z.object({
    mirror: z.object({ external: z.object({ api: z.string() }).nullish() }).nullish(),
    metadata: z.record(z.string(), z.string()).optional(),
  }),
  mirror: z.object({ active: z.number() }).nullish(),
});

/** Where a home is written, as its streams here tell. Disposing it stops asking. */
export interface SeatWatch extends Disposable {
  /** Undefined while it is not known; always in a bus that is in no region. */
  readonly seat: HomeSeat | undefined;
  /** For how long nothing has come from the region where the home is written, in milliseconds; 0 where that is here, or not known. */
  readonly silentMs: number;
}

/** Where JetStream says what the stream is that tells the seat. */
const SEAT_API = `$JS.API.STREAM.INFO.${SEAT_STREAM}`;

/** The same for a user who may ask JetStream nothing else. */
export const SEAT_QUESTION = "home.seat";

/** How a seat is followed. */
interface SeatWatchDeps {
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  /** Where it is asked. */
  readonly subject?: string;
  /** Called when the home is not written here any more. */
  readonly onLeft?: () => void;
}

/**
 * Follows where the home of a connection is written: a promotion moves it. A bus that is in no region is asked nothing.
 */
export function watchSeat(nats: NatsConnection, { now, subject = SEAT_API, onLeft }: SeatWatchDeps): SeatWatch {
  let seat: HomeSeat | undefined;
  let aliveAt = now();
  if (regionOf(nats) === undefined) return { seat, silentMs: 0, [Symbol.dispose]: () => undefined };
  const ask = async (): Promise<void> => {
    const askedAt = now();
    const reply = await nats.request(subject, "", { timeout: TIMEOUT_MS }).catch(() => undefined);
    const { data } = infoSchema.safeParse(reply && parseJson(reply.string()));
    if (data === undefined) return;
    const wasHere = seat?.is === "here";
    seat = seatIn(data);
    if (wasHere && seat.is === "elsewhere") onLeft?.();
    const silentMs = seat.is === "here" ? 0 : silenceOf(data.mirror?.active);
    aliveAt = Math.max(aliveAt, askedAt - silentMs);
  };
  void ask();
  const asking = poll(ASK_EVERY_MS, ask);
  return {
    get seat() {
      return seat;
    },
    get silentMs() {
      return seat?.is === "elsewhere" ? now() - aliveAt : 0;
    },
    [Symbol.dispose]: () => asking[Symbol.dispose](),
  };
}

/** For how long a mirror has not heard of its origin, in milliseconds; Infinity where it never has. `active` is in nanoseconds. */
export function silenceOf(active: number | undefined): number {
  return active === undefined || active < 0 ? Number.POSITIVE_INFINITY : active / 1_000_000;
}
