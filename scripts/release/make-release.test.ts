import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { projectPath } from "../shared/project-folder.ts";
import { requireCommand } from "../shared/run-command.ts";
import { makeRelease } from "./make-release.ts";
import { namedVersions } from "./move-version.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "sluice-release-"));
  for (const file of (await namedVersions()).keys()) {
    await mkdir(join(root, dirname(file)), { recursive: true });
    await cp(projectPath(file), join(root, file));
  }
  const manifest = { name: "a", version: "0.1.0" };
  await write("package.json", JSON.stringify(manifest));
  await write("package-lock.json", JSON.stringify({ ...manifest, lockfileVersion: 3, packages: { "": manifest } }));
  await mkdir(join(root, "docs"));
  await write("docs/CHANGELOG.md", "# Log\n\n## Unreleased\n\n- A.\n");
  await write("services/client/CHANGELOG.md", "# Log\n\n## Unreleased\n");
  await git("init", "--quiet");
  await git("config", "user.name", "somebody");
  await git("config", "user.email", "somebody@example.com");
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "begin");
});
afterEach(() => rm(root, { recursive: true }));

const write = (file: string, text: string): Promise<void> => writeFile(join(root, file), text);
const git = async (...args: readonly string[]): Promise<string> =>
  (await requireCommand("git", args, { cwd: root })).trim();
const release = (wanted: string, generate = (): Promise<void> => write("made", "")): Promise<string> =>
  makeRelease(wanted, root, generate);

/** What a release moves: the version, the last commit, the tags, and what is not committed. */
async function state(): Promise<object> {
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { readonly version: string };
  const [head, tags, changed] = [await git("rev-parse", "HEAD"), await git("tag"), await git("status", "--porcelain")];
  return { version, head, tags, changed };
}

test("a release is one commit with a tag, and everything is of its version", async () => {
  const before = await git("rev-parse", "HEAD");
  expect(await release("minor")).toBe("0.2.0");
  expect(await state()).toMatchObject({ version: "0.2.0", tags: "v0.2.0", changed: "" });
  expect(await git("rev-parse", "v0.2.0~1")).toBe(before);
  expect(new Set((await namedVersions(root)).values())).toEqual(new Set(["0.2.0"]));
});

test("the version that is there can be released, once", async () => {
  expect(await release("0.1.0")).toBe("0.1.0");
  const released = await state();
  await expect(release("0.1.0")).rejects.toThrow("v0.1.0 is tagged already");
  expect(await state()).toEqual(released);
});

test.each([
  ["of a version that is tagged on another branch", "minor", "v0.2.0 is tagged already"],
  ["of a word that npm would take for itself", "--help", "--help is none"],
  ["of no word", "", "say which"],
])("a release %s is refused, and changes nothing", async (_, wanted, says) => {
  await git("tag", "v0.2.0");
  const before = await state();
  await expect(release(wanted)).rejects.toThrow(says);
  expect(await state()).toEqual(before);
});

test("a release that fails on its way is taken back, and can be made again", async () => {
  const before = await state();
  const fail = (): Promise<void> => write("made", "").then(() => Promise.reject(new Error("no helm")));
  await expect(release("minor", fail)).rejects.toThrow("no helm");
  expect(await state()).toEqual(before);
  await write("docs/CHANGELOG.md", "# Log\n\n## Unreleased\n");
  await git("commit", "--quiet", "--all", "--message", "nothing new");
  await expect(release("minor")).rejects.toThrow("says nothing");
  await git("reset", "--quiet", "--hard", "HEAD~1");
  expect(await release("minor")).toBe("0.2.0");
});

test("a release whose tag cannot be made leaves no commit behind", async () => {
  const before = await state();
  await git("config", "tag.gpgSign", "true");
  await git("config", "gpg.program", "/bin/false");
  await expect(release("minor")).rejects.toThrow("git tag");
  expect(await state()).toEqual(before);
});

test("what is not committed is no part of a release", async () => {
  await write("package.json", '{ "version": "0.1.0", "name": "another" }');
  await expect(release("minor")).rejects.toThrow("something is not committed");
  expect(await readFile(join(root, "package.json"), "utf8")).toContain("another");
});
