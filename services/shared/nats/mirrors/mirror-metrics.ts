import { Counter, Gauge, type Registry } from "prom-client";
import type { StreamPair } from "./pair-streams.ts";

/** What is known of the mirrors that this process keeps. */
export interface MirrorMetrics {
  readonly failures: Counter;
  readonly remade: Counter<"reason">;
  /** Says whether the origin is not the one that is mirrored. */
  originDiffers(differs: boolean): void;
  /** Begins to count the mirrors anew; what was counted holds until the end of the round. */
  beginRound(): MirrorRound;
  /** Says that this process keeps mirrors, or does not any more. */
  keeping(keeps: boolean): void;
}

/** A look at all mirrors. */
interface MirrorRound {
  count(pair: Omit<StreamPair, "name"> & { readonly silentMs: number }): void;
  /** Without the originals nothing is known of what is missing. */
  end(known: { readonly originals: boolean }): void;
}

/** Registers the metrics of the mirrors that a process keeps while it is a standby; otherwise all are 0. */
export function createMirrorMetrics(registry: Registry): MirrorMetrics {
  const registers = [registry];
  const gauges = gaugesOf(registry);
  const { standby, mirrors, silent, behind, differs } = gauges;
  return {
    failures: new Counter({
      name: "sluice_mirrors_failures_total",
      help: "Mirrors that could not be made, changed or removed at a look.",
      registers,
    }),
    remade: new Counter({
      name: "sluice_mirrors_remade_total",
      help: "Mirrors that were made anew: their originals were recreated or have lost entries, or they lack some of them.",
      labelNames: ["reason"],
      registers,
    }),
    originDiffers: (isAnother) => differs.set(Number(isAnother)),
    beginRound() {
      let [count, worst, missing] = [0, 0, 0];
      return {
        count({ mirror, original, silentMs }) {
          if (mirror?.mirror !== undefined) count += 1;
          worst = Math.max(worst, silentMs);
          if (original !== undefined) missing += Math.max(0, original.state.last_seq - (mirror?.state.last_seq ?? 0));
        },
        end({ originals }) {
          mirrors.set(count);
          silent.set(worst / 1e3);
          if (originals) behind.set(missing);
        },
      };
    },
    keeping(keeps) {
      for (const gauge of Object.values(gauges)) gauge.set(0);
      standby.set(Number(keeps));
    },
  };
}

function gaugesOf(registry: Registry) {
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers: [registry] });
  return {
    standby: gauge("sluice_standby", "1 while the process waits, as its home is written in another region."),
    mirrors: gauge("sluice_mirrors", "Mirrors that this process keeps."),
    silent: gauge(
      "sluice_mirrors_silent_seconds",
      "How long the mirror that has been silent longest has heard nothing of its original, which speaks every second.",
    ),
    behind: gauge("sluice_mirrors_behind_entries", "Entries that the originals had, and their mirrors had not."),
    differs: gauge(
      "sluice_mirrors_origin_differs",
      "1 while the origin is not the one that is mirrored: it was made anew, or has lost entries. Nothing is changed then.",
    ),
  };
}
