import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { wrapOverlay, wrapProgram } from "./place-in-bin.ts";
import type { Program } from "./programs.ts";
import { provision } from "./provision.ts";

const program: Program = {
  name: "sluice-test-server",
  commands: ["sluice-test-server", "sluice-test-fork"],
  atLeast: [2, 12],
  packages: [["sluice-test-server"]],
  files: ["usr/bin/sluice-test-server"],
};

let folder: string;
let lines: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-provision-"));
  await mkdir(join(folder, "path"));
  lines = [];
});
afterEach(() => rm(folder, { recursive: true }));

const run = (): Promise<void> =>
  provision([program], { home: join(folder, "home"), path: join(folder, "path"), say: (line) => lines.push(line) });
const install = (name: string, version: string): Promise<void> =>
  writeFile(join(folder, "path", name), `#!/bin/sh\necho "server: v${version}"\n`, { mode: 0o755 });
const link = (): Promise<string> => readlink(join(folder, "home/bin/sluice-test-server"));

describe("a program on PATH", () => {
  test("is linked under its own name, whatever it is called", async () => {
    await install("sluice-test-fork", "3.0.1");
    await run();
    expect(await link()).toBe(join(folder, "path/sluice-test-fork"));
  });

  test("is passed over when it is too old, and that is said", async () => {
    await install("sluice-test-server", "2.9.10");
    await install("sluice-test-fork", "2.12.0");
    await run();
    expect(await link()).toBe(join(folder, "path/sluice-test-fork"));
    expect(lines).toEqual([expect.stringMatching(/sluice-test-server is 2\.9\.10, older than 2\.12$/)]);
  });

  test("is looked for again when the link to it leads nowhere", async () => {
    await install("sluice-test-server", "2.12.0");
    await run();
    await rm(join(folder, "path/sluice-test-server"));
    await install("sluice-test-fork", "2.13.0");
    await run();
    expect(await link()).toBe(join(folder, "path/sluice-test-fork"));
  });
});

test("a program that cannot be had is named, with what to do", async () => {
  await expect(run()).rejects.toThrow(
    "sluice-test-server is needed: install sluice-test-server or sluice-test-fork 2.12 or newer",
  );
});

test("an unpacked program finds the libraries and fonts that came with it, from wherever it is called", async () => {
  const packages = join(folder, "home/packages/tool");
  for (const each of ["usr/bin", "usr/lib/x86_64-linux-gnu/deep", "lib/x86_64-linux-gnu", "usr/lib/private"]) {
    await mkdir(join(packages, each), { recursive: true });
  }
  await mkdir(join(packages, "usr/share/fonts"), { recursive: true });
  for (const each of [
    "usr/lib/x86_64-linux-gnu/deep/libb.so.2",
    "lib/x86_64-linux-gnu/liba.so",
    "usr/lib/private/libp.so",
  ]) {
    await writeFile(join(packages, each), "");
  }
  const print = '#!/bin/sh\necho "$LD_LIBRARY_PATH $FONTCONFIG_FILE $1"\n';
  await writeFile(join(packages, "usr/bin/tool"), print, { mode: 0o755 });
  await wrapProgram(join(folder, "home/bin/tool"), packages, ["usr/sbin/tool", "usr/bin/tool"]);
  const said = execFileSync("../home/bin/tool", ["an argument"], { cwd: join(folder, "path"), encoding: "utf8" });
  expect(said.replaceAll("/bin/../", "/")).toBe(
    `${packages}/lib/x86_64-linux-gnu:${packages}/usr/lib/x86_64-linux-gnu/deep ${packages}/fonts.conf an argument\n`,
  );
});

const hasNamespaces = spawnSync("unshare", ["--map-root-user", "--mount", "true"]).status === 0;

test.skipIf(!hasNamespaces)(
  "a command inside of unpacked packages finds their files and the system's under /usr",
  async () => {
    const packages = join(folder, "home/packages/tools");
    await mkdir(join(packages, "usr/share/sluice-test"), { recursive: true });
    await writeFile(join(packages, "usr/share/sluice-test/file"), "from the packages");
    await wrapOverlay(join(folder, "home/bin/tools"), packages);
    const command = ["sh", "-c", 'cat "$1" && test -x /usr/bin/env', "sh", "/usr/share/sluice-test/file"];
    const options = { cwd: join(folder, "path"), encoding: "utf8" } as const;
    expect(execFileSync("../home/bin/tools", command, options)).toBe("from the packages");
    expect(spawnSync("cat", ["/usr/share/sluice-test/file"]).status).not.toBe(0);
  },
);
