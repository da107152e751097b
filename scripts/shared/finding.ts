import { harmless } from "../events/print-event.ts";
import type { Terminal } from "./command.ts";

/** What was found about one thing. */
export interface Finding {
  readonly check: string;
  readonly level: "ok" | "warn" | "fail";
  readonly found: string;
  /** What to do about it; undefined where nothing is. */
  readonly todo?: string;
}

const MARK = { ok: "✓", warn: "!", fail: "✗" } as const;

/** A thing that is as it should be. */
export function ok(check: string, found: string): Finding {
  return { check, level: "ok", found };
}

/** A thing that could be better, and how. */
export function warn(check: string, found: string, todo: string): Finding {
  return { check, level: "warn", found, todo };
}

/** A thing that is wrong, and what to do. */
export function fail(check: string, found: string, todo: string): Finding {
  return { check, level: "fail", found, todo };
}

/** Prints a finding; one that is wrong makes the exit code 1. */
export function printFinding(finding: Finding, { print, endWith }: Pick<Terminal, "print" | "endWith">): void {
  const { check, level, found, todo } = finding;
  print(finding, harmless(`${MARK[level]} ${check.padEnd(12)} ${found}${todo === undefined ? "" : `\n  ${todo}`}`));
  if (level === "fail") endWith(1);
}
