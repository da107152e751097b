import { expect, test } from "vitest";
import { projectPath } from "../shared/project-folder.ts";
import { runCommand } from "../shared/run-command.ts";

test("a check by a cluster says what it lacks where none is named", async () => {
  const program = [process.execPath, projectPath("scripts", "verify-chart.ts")];
  const { code, stderr } = await runCommand("env", ["-u", "KUBECONFIG", ...program]);
  expect(code).toBe(1);
  expect(stderr).toBe("KUBECONFIG names no cluster: set it to one in which you may make a namespace\n");
});
