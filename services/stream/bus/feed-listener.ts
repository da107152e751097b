import type { ErasedEntry, PolicyEntry } from "#shared/contract/control-entry.ts";
import type { LogReset } from "../deliver.ts";
import type { LogEntry } from "../event.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import type { SeatWatch } from "#shared/nats/watch-seat.ts";
import type { Observer } from "../observe/observer.ts";
import type { TenantTurns } from "../turns/share.ts";
import type { LogSource } from "./log-source.ts";
import type { MirrorWatch } from "./mirror-watch.ts";
import type { Bus } from "./paced-bus.ts";

/** A feed's reports on a tenant's log, in order. */
export interface FeedListener {
  /** The log was opened, and does not continue what was read so far. */
  onReset(opening: LogReset): void;
  /**
   * A hole comes next, and maybe more of them: entries are gone that were never read here, control entries perhaps. `policy`
   * is the last policy entry that is left.
   */
  onHoles(policy: PolicyEntry | undefined): void;
  /** What these entries name is erased; they come later, behind some of that. */
  onErasures(entries: readonly ErasedEntry[]): void;
  /** Answers false where the entry must come again, once what the tenant has begun is finished. */
  onEntry(entry: LogEntry): boolean;
  /** The log's first entry now, before which all are gone, and its last, by its leader. */
  onBounds(first: number, last: number): void;
  /** Entries behind the first are gone, and no entry says which. */
  onPurged(): void;
  /** What the log is from here on: where it is no original, only `onOrigin` tells that it lives. */
  onSource(source: LogSource): void;
  /** The log's leader said at the monotonic time `at` that it has heard nothing of the region that writes the log for so long. */
  onOrigin(at: number, silentMs: number): void;
  /** The log lives, and has nothing new. */
  onAlive(): void;
  /** There is no log; reported again while that is so. */
  onMissing(): void;
}

/** The edge, as far as a feed uses it. */
export interface FeedDeps {
  readonly bus: Bus;
  /** Entries are read in the tenant's turns. */
  readonly turns: Pick<TenantTurns, "run">;
  readonly mirrors: MirrorWatch;
  /** Where the logs of the home are written. */
  readonly seat: Pick<SeatWatch, "seat">;
  readonly maxEventBytes: number;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
  readonly observer: Pick<Observer, "feedDisturbed" | "feedHole">;
}
