import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runCommand } from "../../scripts/shared/run-command.ts";
import { amountOf, SEED_VARIABLE, timeoutOf } from "./amount.ts";

const CHAOS = fileURLToPath(new URL("../chaos/run.ts", import.meta.url));

/** None in the suite: a minute of faults says little. */
const seconds = amountOf("chaos", 0);

test.skipIf(seconds === 0).each(["cluster", "regions", "single"])(
  "every promise is kept on a stack (%s) under one fault after the other",
  { timeout: timeoutOf(0) },
  async (on) => {
    const minutes = Math.max(1, Math.round(seconds / 60));
    const args = [CHAOS, "--on", on, "--minutes", `${minutes}`, "--seed", process.env[SEED_VARIABLE] ?? "0"];
    const { code, stdout, stderr } = await runCommand(process.execPath, args, { env: process.env });
    process.stdout.write(stdout);
    expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
  },
);
