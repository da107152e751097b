import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { systemClock } from "#shared/time/clock.ts";
import { waitFor } from "#test/support/wait.ts";
import { MAX_DOCUMENT_BYTES } from "../document/parse-document.ts";
import type { FileOccasion, Refusal } from "./apply-file.ts";
import { FileOrigins } from "./file-origins.ts";
import { type DocumentWatch, watchDocuments } from "./watch-documents.ts";

const EVERY_MS = 20;

describe("a watched directory of documents", () => {
  let root: string;
  let applied: Array<[tenant: string, text: string, occasion: FileOccasion]>;
  let refusal: Refusal | undefined;
  let failures: number;
  let looks: number;
  /** The file of each tenant's document in force, and how many of them the watch says are gone. */
  let origins: FileOrigins;
  let missing: number;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "sluice-watch-"));
    [applied, refusal, failures, looks, missing] = [[], undefined, 0, 0, 0];
    origins = new FileOrigins();
  });
  afterEach(() => rm(root, { recursive: true }));

  const watch = (directory = root): Promise<DocumentWatch> =>
    watchDocuments({
      directory,
      everyMs: EVERY_MS,
      clock: systemClock,
      log: createLogger("test", "silent"),
      origins,
      onMissing: (count) => {
        missing = count;
      },
      async apply({ tenant, bytes }, occasion) {
        if (tenant === "probe") {
          looks += 1;
          return undefined;
        }
        if (failures > 0) {
          failures -= 1;
          throw new Error("not right now");
        }
        applied.push([tenant, bytes.toString(), occasion]);
        return refusal;
      },
      onRejected: () => undefined,
    });
  const write = (name: string, text: string): Promise<void> => writeFile(join(root, name), text);
  const arrives = (count: number) => waitFor(`${count} files are applied`, () => applied.length >= count);
  /** Another file's arrival shows that the watch has looked at everything that was there before it. */
  const hasLooked = async (): Promise<void> => {
    const before = looks;
    await write("probe.yaml", `${before}`);
    await waitFor("the watch has looked", () => looks > before);
  };

  it("has applied the files that were there when it starts", async () => {
    await write("acme.yaml", "1");
    await using _watch = await watch();
    expect(applied).toEqual([["acme", "1", "boot"]]);
  });

  it("applies a file that is written, replaced by a rename, or new", async () => {
    await write("acme.yaml", "1");
    await using _watch = await watch();
    await write("acme.yaml", "2");
    await arrives(2);
    await write("acme.tmp", "3");
    await rename(join(root, "acme.tmp"), join(root, "acme.yaml"));
    await arrives(3);
    await write("rival.yaml", "4");
    await arrives(4);
    expect(applied.slice(1)).toEqual([
      ["acme", "2", "change"],
      ["acme", "3", "change"],
      ["rival", "4", "change"],
    ]);
  });

  it("applies a file when its link points somewhere else, as with Kubernetes' mounted files", async () => {
    await mkdir(join(root, "..2026_1"));
    await mkdir(join(root, "..2026_2"));
    await write("..2026_1/acme.yaml", "1");
    await write("..2026_2/acme.yaml", "2");
    await symlink("..2026_1", join(root, "..data"));
    await symlink("..data/acme.yaml", join(root, "acme.yaml"));
    await using _watch = await watch();
    await symlink("..2026_2", join(root, "..data_tmp"));
    await rename(join(root, "..data_tmp"), join(root, "..data"));
    await arrives(2);
    expect(applied).toEqual([
      ["acme", "1", "boot"],
      ["acme", "2", "change"],
    ]);
  });

  it("leaves a file alone that is still being written", async () => {
    await using _watch = await watch();
    const growing = ["a", "ab", "abc", "abcd", "abcde"];
    for (const text of growing) {
      await write("acme.yaml", text);
      const lookedAt = performance.now() + EVERY_MS / 2;
      await waitFor("half a look passes", () => performance.now() > lookedAt);
    }
    await arrives(1);
    await hasLooked();
    expect(applied.at(-1)).toEqual(["acme", "abcde", "change"]);
    expect(applied.length).toBeLessThan(growing.length);
  });

  it("waits for a directory that does not exist yet", async () => {
    const later = join(root, "later");
    await using documents = await watch(later);
    expect(documents.fault).toBe(`the directory ${later} of POLICY_DOCUMENTS_DIR does not exist`);
    expect(documents.isThere("acme.yaml")).toBe(true);
    await mkdir(later);
    await write("later/acme.yaml", "1");
    await arrives(1);
    expect(applied).toEqual([["acme", "1", "change"]]);
    expect(documents.fault).toBeUndefined();
  });

  it("says why it cannot read what is no directory", async () => {
    await write("file", "");
    await using documents = await watch(join(root, "file"));
    expect(documents.fault).toMatch(/is no directory$/);
  });

  it("reads a directory that is a link, and follows it to another", async () => {
    for (const release of ["1", "2"]) {
      await mkdir(join(root, release));
      await write(`${release}/acme.yml`, release);
    }
    await symlink("1", join(root, "current"));
    await using _watch = await watch(join(root, "current"));
    await symlink("2", join(root, "next"));
    await rename(join(root, "next"), join(root, "current"));
    await arrives(2);
    expect(applied).toEqual([
      ["acme", "1", "boot"],
      ["acme", "2", "change"],
    ]);
  });

  it("applies neither of two files of one tenant, and the one that is left", async () => {
    await write("acme.yaml", "1");
    await using documents = await watch();
    await write("acme.json", "2");
    const rejection = await waitFor("both are refused", () => documents.rejections.get("acme"));
    expect(rejection).toMatchObject({
      file: "acme.json and acme.yaml",
      reason: "invalid",
      faults: [{ message: 'acme.json and acme.yaml are both of tenant "acme", and neither is read: keep one of them' }],
    });
    await write("acme.yaml", "3");
    await hasLooked();
    expect(applied).toHaveLength(1);
    await unlink(join(root, "acme.yaml"));
    await arrives(2);
    expect(applied.at(-1)).toEqual(["acme", "2", "change"]);
    expect(documents.rejections.has("acme")).toBe(false);
  });

  it("tells of documents in force whose file is gone, until it is back or the document is replaced", async () => {
    const from = (name: string): Parameters<FileOrigins["note"]>[1] => ({
      document: { text: "", origin: { kind: "file", name, hash: "h" } },
      lifecycle: { state: "active", since: 0, at: "" },
    });
    await write("acme.yaml", "1");
    origins.note("acme", from("acme.yaml"));
    origins.note("gone", from("gone.yml"));
    await using documents = await watch();
    expect([missing, documents.isThere("acme.yaml"), documents.isThere("gone.yml")]).toEqual([1, true, false]);
    await unlink(join(root, "acme.yaml"));
    await waitFor("both are missing", () => missing === 2);
    expect(documents.isThere("acme.yaml")).toBe(false);
    await write("acme.yaml", "1");
    origins.note("gone", undefined);
    await waitFor("none is missing", () => missing === 0);
  });

  it("does nothing when a file is removed, touched, or the directory is away for a while", async () => {
    await write("acme.yaml", "1");
    await write("other.yaml", "1");
    await using _watch = await watch();
    await unlink(join(root, "other.yaml"));
    await write("acme.yaml", "1");
    await hasLooked();
    await rename(root, `${root}-away`);
    const back = performance.now() + EVERY_MS * 4;
    await waitFor("some looks pass", () => performance.now() > back);
    await rename(`${root}-away`, root);
    await hasLooked();
    expect(applied).toHaveLength(2);
  });

  it("looks at nothing but regular files named *.yaml, *.yml and *.json", async () => {
    await write(".hidden.yaml", "1");
    for (const name of ["README.md", "acme.yaml~", "acme.yaml.bak", "acme", ".json", "acme.JSON", "policy.schema.json"])
      await write(name, "1");
    await mkdir(join(root, "folder.yaml"));
    await symlink("nowhere", join(root, "dangling.yaml"));
    await using _watch = await watch();
    await hasLooked();
    expect(applied).toEqual([]);
  });

  it("tries again what could not be done, still as a file of the boot", async () => {
    failures = 3;
    await write("acme.yaml", "1");
    await using _watch = await watch();
    await arrives(1);
    expect(applied).toEqual([["acme", "1", "boot"]]);
  });

  it("shows a refused file until it is good or gone", async () => {
    refusal = { reason: "invalid", faults: [{ path: "", message: "bad" }] };
    await write("acme.yaml", "bad");
    await using documents = await watch();
    expect(documents.rejections.get("acme")).toEqual({ at: expect.any(String), file: "acme.yaml", ...refusal });
    refusal = undefined;
    await write("acme.yaml", "good");
    await waitFor("the file is good", () => !documents.rejections.has("acme"));
    refusal = { reason: "invalid", faults: [] };
    await write("acme.yaml", "bad again");
    await waitFor("the file is bad", () => documents.rejections.has("acme"));
    await unlink(join(root, "acme.yaml"));
    await waitFor("the file is gone", () => !documents.rejections.has("acme"));
  });

  it("reads *.yml and *.json as well", async () => {
    await write("acme.yml", "1");
    await write("rival.json", "2");
    await using _watch = await watch();
    expect(applied.toSorted(([a], [b]) => a.localeCompare(b))).toEqual([
      ["acme", "1", "boot"],
      ["rival", "2", "boot"],
    ]);
  });

  it("reads 1 MiB, and refuses one byte more unread", async () => {
    await write("acme.yaml", "x".repeat(MAX_DOCUMENT_BYTES));
    await write("rival.yaml", "x".repeat(MAX_DOCUMENT_BYTES + 1));
    await using documents = await watch();
    expect(applied.map(([tenant]) => tenant)).toEqual(["acme"]);
    expect([...documents.rejections.keys()]).toEqual(["rival"]);
  });
});
