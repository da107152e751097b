import { runUnderChanges } from "#test/support/run-under-changes.ts";
import { measureBindings } from "./bindings.ts";
import { measureCalls } from "./calls.ts";
import { measureCompile, measureDecisions } from "./decisions.ts";
import type { Figure } from "../scenario.ts";
import { measureLargestDocument } from "./largest-document.ts";
import { measurePropagation } from "./propagation.ts";

/** Something about policy that is measured, on servers of its own where it needs any. */
export interface PolicyScenario {
  readonly name: string;
  readonly about: string;
  readonly run: () => Promise<readonly Figure[]>;
}

/** All of them. */
export const policyScenarios: readonly PolicyScenario[] = [
  {
    name: "decisions",
    about: "1 000 tenants × 32 roles × 96 permissions, for each second of one core's time",
    run: measureDecisions,
  },
  {
    name: "compile",
    about: "a policy that binds 32 roles to 10 000 subjects, one core's time",
    run: async () => measureCompile(),
  },
  {
    name: "bindings",
    about: "the roles of one of 100 000 subjects, in a tenant with a document of 110 KiB",
    run: measureBindings,
  },
  { name: "checks", about: "500 batches of 64 checks a second over gRPC, for 10 s", run: measureCalls },
  {
    name: "largest-document",
    about: "the largest documents there may be: put, changed and asked, with a neighbour's changes meanwhile",
    run: measureLargestDocument,
  },
  {
    name: "propagation",
    about: "from the acknowledgement of a change until a client of the edge has it",
    run: measurePropagation,
  },
  {
    name: "changes",
    about: "10 changes a second and 10 events a second, 10 000 people connected, each event for all of them",
    run: measureChanges,
  },
];

async function measureChanges(): Promise<readonly Figure[]> {
  const counts = await runUnderChanges({ people: 10_000, changes: 100, perSecond: 10 });
  return [
    { name: "deliveries due", value: counts.due, unit: "" },
    { name: "missing", value: counts.due - counts.delivered, unit: "", goal: { atMost: 0 } },
    { name: "still on their way at the last change", value: counts.due - counts.deliveredMeanwhile, unit: "" },
    { name: "subjects asked for again", value: counts.resolved, unit: "for 100 changes" },
    { name: "asked for again when their role changes", value: counts.resolvedForRole, unit: "who hold it" },
  ];
}
