import { AppError } from "#shared/errors/app-error.ts";
import type { SeatWatch } from "#shared/nats/watch-seat.ts";

/**
 * Refuses what only the region serves where the home is written; nothing while that is not known, or here.
 * @throws {AppError} `wrong_region`, naming the region.
 */
export function requireHere({ seat }: Pick<SeatWatch, "seat">): void {
  if (seat?.is !== "elsewhere") return;
  const where = seat.region === undefined ? "another region" : `region ${seat.region}`;
  throw new AppError("wrong_region", `durable subscriptions and presence of this tenant are served in ${where} alone`);
}
