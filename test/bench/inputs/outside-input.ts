import type { RunningService } from "#test/support/start-service.ts";

/** The two sizes in which an input is sent. */
export type InputSize = "smallest" | "largest";

/** Something that an outsider may send, in a size that must do no harm. */
export interface OutsideInput {
  /** The door and what goes through it. */
  readonly name: string;
  /** The service whose loop and memory it could cost. */
  readonly service: RunningService;
  /** The answers that are right, besides every 2xx. */
  readonly refusals: readonly number[];
  /** Sends it and answers the status once it has been answered, or has taken effect. */
  readonly send: (size: InputSize) => Promise<number>;
}
