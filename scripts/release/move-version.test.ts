import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import lock from "../../package-lock.json" with { type: "json" };
import manifest from "../../package.json" with { type: "json" };
import { RENDERS } from "../chart/chart-files.ts";
import { projectPath } from "../shared/project-folder.ts";
import { moveVersion, namedVersions } from "./move-version.ts";

const CHANGELOG = join("docs", "CHANGELOG.md");
const CLIENT_CHANGELOG = join("services", "client", "CHANGELOG.md");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-release-"));
  for (const file of (await namedVersions()).keys()) {
    await cp(projectPath(file), join(folder, file), { recursive: true });
  }
  await mkdir(join(folder, "docs"));
  // Those of the project have nothing unreleased right after a release.
  await writeFile(join(folder, CHANGELOG), "# Log\n\n## Unreleased\n\n- A.\n");
  await writeFile(join(folder, CLIENT_CHANGELOG), "# Log\n\n## Unreleased\n");
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
  const released = "# Log\n\n## Unreleased\n\n## 9.8.7 - 2031-02-03\n\n";
  expect(await readFile(join(folder, CHANGELOG), "utf8")).toBe(`${released}- A.\n`);
  expect(await readFile(join(folder, CLIENT_CHANGELOG), "utf8")).toBe(`${released}- No change of its own.\n`);
});
