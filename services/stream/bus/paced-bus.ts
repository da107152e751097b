import { jetstream, type JetStreamClient, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { type Pacing, pacingFor } from "./pacing.ts";

/** How often the round trip is measured. A reconnect is measured at once. */
const MEASURE_EVERY_MS = 5_000;

/** The longest of this many counts: a quick round trip says nothing about the next. */
const KEPT_MEASUREMENTS = 3;

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
  const roundTrips = [await nats.rtt()];
  const pacing = (): Pacing => pacingFor(Math.max(...roundTrips));
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

function keepMeasuring(nats: NatsConnection, roundTrips: number[]): NodeJS.Timeout {
  let isMeasuring = false;
  const measure = async (): Promise<void> => {
    if (isMeasuring) return;
    isMeasuring = true;
    const roundTrip = await nats.rtt().catch(() => undefined);
    isMeasuring = false;
    if (roundTrip !== undefined) roundTrips.push(roundTrip);
    if (roundTrips.length > KEPT_MEASUREMENTS) roundTrips.shift();
  };
  void onReconnect(nats, measure);
  return setInterval(() => void measure(), MEASURE_EVERY_MS).unref();
}

async function onReconnect(nats: NatsConnection, measure: () => Promise<void>): Promise<void> {
  for await (const { type } of nats.status()) {
    if (type === "reconnect") void measure();
  }
}
