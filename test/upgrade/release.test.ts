import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { requireCommand } from "../../scripts/shared/run-command.ts";
import { lastTag } from "./release.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "sluice-tags-"));
  await git("init", "--quiet", "--initial-branch", "main");
  await git("config", "user.name", "somebody");
  await git("config", "user.email", "somebody@example.com");
  await commit("begin");
});
afterEach(() => rm(root, { recursive: true }));

const git = (...args: readonly string[]): Promise<string> => requireCommand("git", args, { cwd: root });
const commit = (message: string): Promise<string> => git("commit", "--quiet", "--allow-empty", "--message", message);
const release = async (tag: string): Promise<void> => {
  await commit(tag);
  await git("tag", "--annotate", tag, "--message", tag);
};

test("the last release is the tag that this state comes after, whatever else is tagged or released elsewhere", async () => {
  await release("v0.9.0");
  await release("v0.10.0");
  await git("checkout", "--quiet", "-b", "elsewhere");
  await release("v2.0.0");
  await git("checkout", "--quiet", "main");
  await release("vendored-2");
  await commit("after it");
  expect(await lastTag(root)).toBe("v0.10.0");
});

test("right behind a release it is that one", async () => {
  await release("v1.0.0-rc.1");
  expect(await lastTag(root)).toBe("v1.0.0-rc.1");
});

test("where nothing was released it is said how a revision is named", async () => {
  await expect(lastTag(root)).rejects.toThrow("no release is tagged here: name a revision");
});
