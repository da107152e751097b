import type { Issuer } from "#test/support/start-issuer.ts";
import type { RunningService } from "#test/support/start-service.ts";
import type { Stack } from "#test/support/start-stack.ts";
import type { Programs } from "./programs.ts";

/** One figure of a scenario. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it must reach, where that is promised. */
  readonly goal?: { readonly atMost: number } | { readonly atLeast: number };
}

/** What every scenario runs on: real servers of one run. */
export interface Bench {
  readonly stack: Stack;
  /** Signs the tokens of the edges that `startEdge` starts. */
  readonly issuer: Issuer;
  readonly programs: Programs;
  /** An edge of its own, so that no scenario finds the heap of another. */
  readonly startEdge: (env?: NodeJS.ProcessEnv) => Promise<RunningService>;
  /** Prints a line, for what is no figure. */
  readonly say: (line: string) => void;
}

/** Something that `npm run bench` measures. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly run: (bench: Bench) => Promise<readonly Figure[]>;
}
