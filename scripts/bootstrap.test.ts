import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectPath } from "./shared/project-folder.ts";
import { runCommand } from "./shared/run-command.ts";

let project: string;

// A project of two packages, both installed: one is Node, and `sluice` tells how it was called.
beforeAll(async () => {
  project = await realpath(await mkdtemp(join(tmpdir(), "sluice-bootstrap-")));
  for (const folder of ["scripts", "elsewhere", "node_modules/.bin"])
    await mkdir(join(project, folder), { recursive: true });
  for (const file of ["sluice.mjs", "bootstrap.mjs"])
    await cp(projectPath("scripts", file), join(project, "scripts", file));
  const lock = JSON.stringify({ packages: { "node_modules/node": { version: "24.0.0" } } });
  for (const file of ["package-lock.json", "node_modules/.package-lock.json"])
    await writeFile(join(project, file), lock);
  await symlink(process.execPath, join(project, "node_modules/.bin/node"));
  const program = "console.log(JSON.stringify([process.cwd(), ...process.argv.slice(2)])); process.exit(3);";
  await writeFile(join(project, "scripts/sluice.ts"), program);
});
afterAll(() => rm(project, { recursive: true }));

test("sluice runs in the folder that it was called in, with its words, and its exit code is passed on", async () => {
  const elsewhere = join(project, "elsewhere");
  const bin = join(elsewhere, "sluice");
  await symlink("../scripts/sluice.mjs", bin);
  const words = ["encode", "--", "a b", "-x"];
  const { code, stdout, stderr } = await runCommand(process.execPath, [bin, ...words], { cwd: elsewhere });
  expect([code, stderr, JSON.parse(stdout)]).toEqual([3, "", [elsewhere, ...words]]);
});

test("of two commands at once one installs, and the other waits for it, but for nobody who is gone", async () => {
  await mkdir(join(project, ".sluice"), { recursive: true });
  await writeFile(join(project, ".sluice/installing"), "999999999");
  const lock = JSON.stringify({ packages: { "node_modules/node": { version: "24.0.1" } } });
  await writeFile(join(project, "package-lock.json"), lock);
  const npm = join(project, "npm-cli.js");
  const install = `require("fs").writeFileSync("node_modules/.package-lock.json", ${JSON.stringify(lock)}); console.log("installed")`;
  await writeFile(npm, `setTimeout(() => { ${install} }, 300)`);
  const [node, program] = [process.execPath, join(project, "scripts/sluice.mjs")];
  const start = () => runCommand("env", [`npm_execpath=${npm}`, node, program], { cwd: tmpdir() });
  const runs = await Promise.all([start(), start()]);
  expect(runs.map(({ code }) => code)).toEqual([3, 3]);
  const said = runs.map(({ stderr }) => stderr).join("");
  expect(said.split("installed\n")).toHaveLength(2);
});

test("packages that are missing are installed first, and nothing about it goes to stdout", async () => {
  await writeFile(join(project, "package-lock.json"), JSON.stringify({ packages: { "node_modules/other": {} } }));
  const npm = join(project, "npm-cli.js");
  await writeFile(npm, "console.log(process.argv.slice(2).join(' ')); process.exit(7)");
  const [node, program] = [process.execPath, join(project, "scripts/sluice.mjs")];
  const { code, stdout, stderr } = await runCommand("env", [`npm_execpath=${npm}`, node, program], { cwd: tmpdir() });
  expect([code, stdout]).toEqual([7, ""]);
  expect(stderr).toBe("installing the npm packages of package-lock.json (npm ci) …\nci --loglevel=error\n");
});
