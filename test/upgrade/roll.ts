import type { ServiceProcessName } from "#test/support/start-cluster.ts";

/** The order in which processes are brought to a later release: who is asked before who asks. */
const ORDER = ["policy", "auth", "publish", "stream", "webhooks"] as const;

/** A step of a drill: a process that is ended, and started again with the other release. */
export interface Step {
  readonly process: ServiceProcessName;
  readonly to: "old" | "new";
}

/** All processes, one after the other, up to the new release; down again in the opposite order; and up once more. */
export function planSteps(): readonly Step[] {
  const up = ORDER.flatMap((service) => ([1, 2] as const).map((number) => `${service}-${number}` as const));
  const stepsTo = (to: Step["to"], processes: readonly ServiceProcessName[]): Step[] =>
    processes.map((process) => ({ process, to }));
  return [...stepsTo("new", up), ...stepsTo("old", up.toReversed()), ...stepsTo("new", up)];
}
