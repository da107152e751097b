import type { Command } from "commander";
import { createGroup, type Terminal } from "../shared/command.ts";
import { applyCommand } from "./policy/apply.ts";
import { diffCommand } from "./policy/diff.ts";
import { explainCommand } from "./policy/explain.ts";
import { exportCommand } from "./policy/export.ts";
import { importCommand } from "./policy/import.ts";
import { lintCommand } from "./policy/lint.ts";
import { schemaCommand } from "./policy/schema.ts";
import { testCommand } from "./policy/test.ts";

/** `sluice policy`: policy documents, on disk and in force. */
export function policyCommand(terminal: Terminal): Command {
  const description = "Policy documents, on disk and in force.";
  return createGroup("policy", "check, compare, explain and apply policy documents", description, [
    lintCommand(terminal),
    testCommand(terminal),
    diffCommand(terminal),
    explainCommand(terminal),
    applyCommand(terminal),
    exportCommand(terminal),
    importCommand(terminal),
    schemaCommand(terminal),
  ]);
}
