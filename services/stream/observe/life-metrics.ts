import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { TRANSPORTS } from "#shared/protocol/transports.ts";
import { RESUME_KINDS } from "../log/resume.ts";
import type { Census, Observer } from "./observer.ts";

/** What a stream that is behind may wait for. */
const WAITS = ["socket", "log", "authorization", "history", "topics", "window", "turn"];

/** What is observed of a stream from its beginning on. */
type LifeObserver = Pick<Observer, "ready" | "firstEvent" | "resumed" | "counted" | "ended">;

/** Registers the figures of streams between their beginning and their end. */
export function countLives(registry: Registry): LifeObserver {
  const registers = [registry];
  const ready = new Histogram({
    name: "sluice_stream_ready_seconds",
    help: "From a request for a stream to its `ready`",
    buckets: [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const firstEvent = new Histogram({
    name: "sluice_stream_first_event_seconds",
    help: "From a stream's beginning to its first event; streams that never got one are not in it",
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60, 300, 3_600],
    registers,
  });
  const resumes = new Counter({
    name: "sluice_stream_resumes_total",
    help: "Streams that came back with the id of what they had, by where they went on",
    labelNames: ["kind"],
    registers,
  });
  for (const kind of RESUME_KINDS) resumes.inc({ kind }, 0);
  return {
    ready: (ms) => ready.observe(ms / 1_000),
    firstEvent: (ms) => firstEvent.observe(ms / 1_000),
    resumed: (kind) => resumes.inc({ kind }),
    counted: showCensus(registers),
    ended: countEnds(registers),
  };
}

function countEnds(registers: Registry[]): Observer["ended"] {
  const ended = new Counter({
    name: "sluice_stream_ended_total",
    help: "Streams that ended, by the reason sent to their clients",
    labelNames: ["reason"],
    registers,
  });
  const life = new Histogram({
    name: "sluice_stream_life_seconds",
    help: "How long streams lived that have ended",
    buckets: [1, 5, 15, 60, 300, 900, 3_600, 14_400, 43_200],
    registers,
  });
  return (reason, _, seconds) => {
    ended.inc({ reason });
    life.observe(seconds);
  };
}

function showCensus(registers: Registry[]): Observer["counted"] {
  const readers = new Gauge({
    name: "sluice_stream_readers",
    help: "Open streams: live, or behind and waiting for this; counted once a second",
    labelNames: ["state", "waits_for"],
    registers,
  });
  const open = new Gauge({
    name: "sluice_stream_open",
    help: "Open streams by the road that their frames come by; counted once a second",
    labelNames: ["transport"],
    registers,
  });
  const most = (name: string, help: string): Gauge => new Gauge({ name, help, aggregator: "max", registers });
  const entries = most(
    "sluice_stream_lag_entries",
    "The most entries that a stream has before it, up to what was read",
  );
  const seconds = most("sluice_stream_lag_seconds", "The longest that a stream has been behind");
  const show = ({ live, byTransport, behind, lagEntries, lagMs }: Census): void => {
    for (const transport of TRANSPORTS) open.set({ transport }, byTransport[transport] ?? 0);
    readers.set({ state: "live", waits_for: "" }, live);
    for (const what of WAITS) readers.set({ state: "behind", waits_for: what }, behind[what] ?? 0);
    entries.set(lagEntries);
    seconds.set(lagMs / 1_000);
  };
  show({ live: 0, byTransport: {}, behind: {}, lagEntries: 0, lagMs: 0 });
  return show;
}
