import type { Entrant } from "../peers/contender.ts";
import type { Programs } from "../programs.ts";
import type { Figure } from "../scenario.ts";

/** A load that any server of event streams can be put under, so that the figures can stand side by side. */
export interface Load {
  /** The scenario that measures the same of us alone, in more detail, has this name as well. */
  readonly name: string;
  readonly about: string;
  /** Starts the server, and answers the same figures of each; fewer where it cannot do a part. */
  readonly run: (entrant: Entrant, programs: Programs) => Promise<readonly Figure[]>;
}
