import type { RunningService } from "#test/support/start-service.ts";

/** The two sizes in which an input is sent. */
export type InputSize = "smallest" | "largest";

/** Something that an outsider may send, in a size that must do no harm. */
export interface OutsideInput {
  /** The door and what goes through it. */
  readonly name: string;
  /** The routes, methods, control entries, headers and files that it comes through, as `listSurfaces` names them. */
  readonly through: readonly string[];
  /** The service whose loop and memory it could cost. */
  readonly service: RunningService;
  /** The one right answer to each size. */
  readonly answers: Readonly<Record<InputSize, number>>;
  /** Sends it and answers the status once it has been answered, or has taken effect. */
  readonly send: (size: InputSize) => Promise<number>;
}

/** The right answers to both sizes, the smallest first. */
export function answers(smallest: number, largest = smallest): OutsideInput["answers"] {
  return { smallest, largest };
}
