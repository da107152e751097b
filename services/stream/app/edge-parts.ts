import type { Registry } from "prom-client";
import type { Logger } from "#shared/log/create-logger.ts";
import type { Tracer } from "#shared/trace/tracer.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import type { StreamConfig } from "../config.ts";

/** What every part of an edge is made with. */
export interface EdgeParts {
  readonly config: StreamConfig;
  readonly registry: Registry;
  readonly log: Logger;
  /** For lines that requests cause. */
  readonly requestLog: LimitedLog;
  readonly tracer: Tracer;
  /** Another one in each process; connection ids begin with it. */
  readonly workerId: string;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
}
