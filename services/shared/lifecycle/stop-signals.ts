/** Why a process is to stop. */
export type StopReason = "SIGTERM" | "SIGINT" | "the primary is gone";

/** A terminal and a supervisor signal a whole group at once, and a primary its workers: what comes so soon is the same wish. */
const SAME_WISH_MS = 100;

/** What the process does about its signals. */
export interface SignalHandlers {
  readonly onStop: (reason: StopReason) => void;
  readonly onStopAgain: (reason: StopReason) => void;
  readonly onReload: () => void;
}

/**
 * Listens to the signals of the process for good, from now on. A worker that still has its primary stops once, however
 * many signals come: the primary sends one too, and later than the group where it is busy. Without a primary it stops at once.
 */
export function onStopSignals({ onStop, onStopAgain, onReload }: SignalHandlers): void {
  let stoppingSince: number | undefined;
  const stop = (reason: StopReason): void => {
    if (stoppingSince === undefined) {
      stoppingSince = performance.now();
      onStop(reason);
    } else if (!process.connected && performance.now() - stoppingSince > SAME_WISH_MS) onStopAgain(reason);
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
  process.once("disconnect", () => stop("the primary is gone"));
  process.on("SIGHUP", onReload);
}
