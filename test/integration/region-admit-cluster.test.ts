import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startChild } from "#test/support/child.ts";
import { freePort } from "#test/support/ports.ts";
import { sluice } from "#test/support/run-sluice.ts";
import { waitFor } from "#test/support/wait.ts";

test("the first of several servers that start waits, closed, until most of them run, and writes nothing beside their configuration", async () => {
  await using owner = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "sluice-admit-cluster-"));
  owner.defer(() => rm(folder, { recursive: true, force: true }));
  const configs = join(folder, "configs");
  const [first, second] = await writeServers(configs, folder);
  const lines: string[] = [];
  const env = {
    PATH: process.env["PATH"],
    SLUICE_REGIONS: "eu=nats://operator:test@127.0.0.1:9 us=nats://operator:test@127.0.0.1:9",
  };
  const args = ["region", "admit", "eu", "--config", first, "--port", String(await freePort())];
  const admitting = sluice(args, { env, print: (line) => lines.push(line) });
  await waitFor("it waits", () => lines.some((line) => line.includes("of several servers most must run")), 15_000);
  expect((await readdir(configs)).toSorted()).toEqual(["0.conf", "1.conf"]);
  const other = startChild("nats-server", ["-c", second], {});
  owner.defer(async () => void (await other.end("SIGKILL")));
  expect(await admitting).toMatchObject({ code: 0, out: [expect.stringContaining("no original that takes anything")] });
}, 60_000);

/** Two servers of a cluster: neither is anything alone. */
async function writeServers(configs: string, folder: string): Promise<[first: string, second: string]> {
  await mkdir(configs);
  const routes = [await freePort(), await freePort()] as const;
  const write = async (index: 0 | 1): Promise<string> => {
    const path = join(configs, `${index}.conf`);
    const cluster = `name: eu, listen: "127.0.0.1:${routes[index]}", routes: ["nats://127.0.0.1:${routes[1 - index]}"]`;
    await writeFile(
      path,
      `server_name: eu-${index}
listen: "127.0.0.1:${await freePort()}"
jetstream { domain: eu, store_dir: "${join(folder, String(index))}" }
cluster { ${cluster} }
accounts { HOME { jetstream: enabled, users: [{ user: operator, password: test }] } }
`,
    );
    return path;
  };
  return [await write(0), await write(1)];
}
