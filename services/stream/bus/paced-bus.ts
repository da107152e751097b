import { jetstream, type JetStreamClient, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { type Pacing, pacingFor } from "./pacing.ts";
import { RoundTrips } from "./round-trips.ts";

/** How often the round trip is measured. A reconnect is measured at once. */
const MEASURE_EVERY_MS = 5_000;

/** JetStream clients keep the timeout they were made with: one is made for each of these. */
const ANSWER_MS = [5_000, 10_000, 20_000, 40_000] as const;

/** JetStream with timeouts that follow the measured round trip. */
export interface Bus {
  readonly nats: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly pacing: Pacing;
}

/** Opens clients of JetStream, and measures the round trip until disposed. */
export async function openPacedBus(nats: NatsConnection): Promise<Bus & Disposable> {
  const clients = await Promise.all(ANSWER_MS.map((timeout) => openClient(nats, timeout)));
  const roundTrips = new RoundTrips(await nats.rtt());
  const pacing = (): Pacing => pacingFor(roundTrips.usual);
  const client = (): Client => {
    const { answerMs } = pacing();
    return clients.find(({ timeout }) => timeout >= answerMs) ?? (clients.at(-1) as Client);
  };
  const timer = keepMeasuring(nats, roundTrips);
  return {
    nats,
    get js() {
      return client().js;
    },
    get jsm() {
      return client().jsm;
    },
    get pacing() {
      return pacing();
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

interface Client {
  readonly timeout: number;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
}

async function openClient(nats: NatsConnection, timeout: number): Promise<Client> {
  const jsm = await jetstreamManager(nats, { timeout, checkAPI: false });
  return { timeout, js: jetstream(nats, { timeout }), jsm };
}

function keepMeasuring(nats: NatsConnection, roundTrips: RoundTrips): NodeJS.Timeout {
  let isMeasuring = false;
  const measure = async (): Promise<void> => {
    if (isMeasuring) return;
    isMeasuring = true;
    const roundTrip = await nats.rtt().catch(() => undefined);
    isMeasuring = false;
    if (roundTrip !== undefined && roundTrips.add(roundTrip)) await measure();
  };
  const startOver = async (): Promise<void> => {
    const roundTrip = await nats.rtt().catch(() => undefined);
    if (roundTrip !== undefined) roundTrips.startOver(roundTrip);
  };
  void onReconnect(nats, startOver);
  return setInterval(() => void measure(), MEASURE_EVERY_MS).unref();
}

async function onReconnect(nats: NatsConnection, startOver: () => Promise<void>): Promise<void> {
  for await (const { type } of nats.status()) {
    if (type === "reconnect") void startOver();
  }
}
