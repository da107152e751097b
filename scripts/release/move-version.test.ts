import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import lock from "../../package-lock.json" with { type: "json" };
import manifest from "../../package.json" with { type: "json" };
import { RENDERS } from "../chart/chart-files.ts";
import { projectPath } from "../shared/project-folder.ts";
import { moveVersion, namedVersions } from "./move-version.ts";

const CHANGELOG = join("docs", "CHANGELOG.md");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-release-"));
  const changelogs = [CHANGELOG, join("services", "client", "CHANGELOG.md")];
  for (const file of [...changelogs, ...(await namedVersions()).keys()]) {
    await cp(projectPath(file), join(folder, file), { recursive: true });
  }
});
afterAll(() => rm(folder, { recursive: true }));

test("every file that names the version names that of package.json", async () => {
  expect([lock.version, lock.packages[""].version]).toEqual([manifest.version, manifest.version]);
  for (const [file, version] of await namedVersions())
    expect({ file, version }).toEqual({ file, version: manifest.version });
  // The chart's own stands in a test of the chart.
  const render = await readFile(join(RENDERS, "plain.yaml"), "utf8");
  const labels = new Set(
    Array.from(render.matchAll(/app\.kubernetes\.io\/version: "(.+)"/g), ([, version]) => version),
  );
  expect([...labels]).toEqual([manifest.version]);
  const released = /^## (?<version>\d\S*) /m.exec(await readFile(projectPath(CHANGELOG), "utf8"))?.groups?.["version"];
  expect(released ?? manifest.version).toBe(manifest.version);
});

test("a new version moves all of them, and the changelogs are closed with its day", async () => {
  await moveVersion("9.8.7", new Date("2031-02-03T04:05:06Z"), folder);
  for (const [file, version] of await namedVersions(folder))
    expect({ file, version }).toEqual({ file, version: "9.8.7" });
  expect(await readFile(join(folder, CHANGELOG), "utf8")).toContain("\n## Unreleased\n\n## 9.8.7 - 2031-02-03\n\n### ");
});
