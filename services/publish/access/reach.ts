/** Whether the home of the events can be reached from here. */
export interface Reach {
  /** @throws {AppError} `region_unreachable` where the home is written in another region, and nothing has come from there of late. */
  requireLink(): void;
  /** A failure as its caller gets it: one by which nothing was stored is `region_unreachable` where the home is written elsewhere. */
  explain(error: unknown): unknown;
}
