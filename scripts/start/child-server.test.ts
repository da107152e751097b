import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { waitFor } from "#test/support/wait.ts";
import { type ServerCommand, startChildServer } from "./child-server.ts";

let logs: string;
beforeEach(async () => void (logs = await mkdtemp(join(tmpdir(), "sluice-child-"))));
afterEach(() => rm(logs, { recursive: true }));

const log = (): Promise<string> => readFile(join(logs, "server.log"), "utf8");

function serverOf(program: string): ServerCommand {
  const isReady = async (): Promise<boolean> => (await log()).includes("ready");
  return { name: "server", command: process.execPath, args: ["-e", program], env: {}, isReady };
}

test("a server is ready when it says so, and gone when it is disposed", async () => {
  const ready =
    'process.on("SIGTERM", () => { console.log("gone"); process.exit() }); console.log("ready"); setInterval(() => {}, 1000)';
  {
    await using server = startChildServer(serverOf(ready), logs);
    await server.ready;
  }
  expect(await log()).toBe("ready\ngone\n");
});

test("a server that ends by itself has failed, and its last lines say why", async () => {
  await using server = startChildServer(serverOf('console.error("no such setting"); process.exit(3)'), logs);
  await expect(server.ready).rejects.toThrow(/^server ended with code 3; the last lines of .*:\n {2}no such setting$/);
  await expect(server.failed).rejects.toThrow("no such setting");
});

test("a program that is not there has failed", async () => {
  const server = { ...serverOf(""), command: join(logs, "missing") };
  await expect(startChildServer(server, logs).ready).rejects.toThrow("server cannot be run");
});

test.runIf(process.platform === "linux")(
  "a signal meant for this program's group does not reach the server",
  async () => {
    await using server = startChildServer(
      serverOf('console.log("ready", process.pid); setInterval(() => {}, 1000)'),
      logs,
    );
    await server.ready;
    const pid = await waitFor("the server tells its id", async () => /ready (\d+)/.exec(await log())?.[1]);
    const groups = await Promise.all(
      [pid, process.pid].map(async (each) => (await readFile(`/proc/${each}/stat`, "utf8")).split(" ")[4]),
    );
    expect(groups[0]).toBe(pid);
    expect(groups[1]).not.toBe(pid);
  },
);
