import { gaugeWhenRead } from "#shared/metrics/counted-when-read.ts";
import { Counter, type Registry } from "prom-client";
import type { PresenceObserver } from "../presence/ports.ts";

/** Registers the figures of presence; `watched` says how many topics the streams of this process watch. */
export function observePresence(registry: Registry, watched: () => number): PresenceObserver {
  const registers = [registry];
  const questions = new Counter({
    name: "sluice_stream_presence_questions_total",
    help: "Questions about who listens, by whether all workers have answered",
    labelNames: ["outcome"],
    registers,
  });
  for (const outcome of ["whole", "partial"]) questions.inc({ outcome }, 0);
  const messages = new Counter({
    name: "sluice_stream_presence_messages_total",
    help: "Messages to other workers about who has come and gone under watched topics",
    registers,
  });
  const frames = new Counter({
    name: "sluice_stream_presence_frames_total",
    help: "presence frames written",
    registers,
  });
  const watching = {
    name: "sluice_stream_presence_watched_topics",
    help: "Topics whose presence streams of this process watch",
  };
  gaugeWhenRead(registry, watching, (gauge) => gauge.set(watched()));
  return {
    asked: (outcome) => questions.inc({ outcome }),
    sent: () => messages.inc(),
    framed: () => frames.inc(),
  };
}
