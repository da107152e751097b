import type { SeatWatch } from "#shared/nats/watch-seat.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Reach } from "../access/reach.ts";

/** A mirror hears of its origin each second; two of three signs may be late. */
const CUT_AFTER_MS = 5_000;

/** A link that is back is known within a second or two. */
const RETRY_AFTER_SECONDS = 5;

/** Says by where the home is written whether it can be reached from here. */
export function createReach(watch: Pick<SeatWatch, "seat" | "silentMs">): Reach {
  return {
    requireLink() {
      if (watch.seat?.is === "elsewhere" && watch.silentMs > CUT_AFTER_MS) throw unreachable(watch, undefined);
    },
    explain(error) {
      const isElsewhere = watch.seat?.is === "elsewhere";
      if (!isElsewhere || !(error instanceof AppError) || error.code !== "unavailable" || error.mayBeDone) return error;
      return unreachable(watch, error);
    },
  };
}

function unreachable({ seat }: Pick<SeatWatch, "seat">, cause: unknown): AppError {
  const region = seat?.is === "elsewhere" ? seat.region : undefined;
  const where = region === undefined ? "in another region" : `in region ${region}`;
  const message = `the tenant is written ${where}, which cannot be reached from here right now: nothing was stored; try again`;
  return new AppError("region_unreachable", message, { cause, retryAfterSeconds: RETRY_AFTER_SECONDS });
}
