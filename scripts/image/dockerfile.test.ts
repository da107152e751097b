import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { projectPath } from "../shared/project-folder.ts";

const stages = (await readFile(projectPath("infra", "docker", "Dockerfile"), "utf8")).split(/^(?=FROM )/m).slice(1);

test("every stage stands on the one base that is named by its digest", () => {
  const bases = stages.map((stage) => /^FROM (?:--platform=\S+ )?(\S+)/.exec(stage)?.[1]);
  expect(bases).toEqual(["${NODE_IMAGE}", "${NODE_IMAGE}"]);
});

test("the image of another platform needs no emulation: its own stage runs nothing", () => {
  expect(stages[0]).toMatch(/^FROM --platform=\$BUILDPLATFORM /);
  expect(stages[0]).toMatch(/^RUN /m);
  expect(stages[1]).not.toMatch(/^RUN /m);
});
