import { cp, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { accepts } from "../../scripts/shared/accepts.ts";
import { lockRegion } from "../../scripts/failover/lock-region.ts";
import { waitUntilEnded } from "../../scripts/failover/old-connections.ts";
import { openRegion, type RegionBus } from "../../scripts/failover/region-bus.ts";
import { startChild } from "#test/support/child.ts";
import { ask, keepMirrors, makeHome } from "#test/support/home-pair-streams.ts";
import { freePort } from "#test/support/ports.ts";
import { sluice } from "#test/support/run-sluice.ts";
import type { RegionName } from "#test/support/start-region-servers.ts";
import { type HomePair, startHomePair } from "#test/support/start-home-pair.ts";
import { waitFor } from "#test/support/wait.ts";

const LOST = ["region", "promote", "us", "--lost", "eu", "--confirm", "eu", "--link-closed"];

const owner = new AsyncDisposableStack();
let pair: HomePair;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-admit-"));
  owner.defer(() => rm(folder, { recursive: true }));
  pair = owner.use(await startHomePair());
  await makeHome(clientOf("eu"), ["acme"]);
  const call = () => clientOf("us").request("$JS.eu.API.INFO", "", { timeout: 500 });
  await waitFor("the link is there", () =>
    call().then(
      () => true,
      () => false,
    ),
  );
  await keepMirrors(pair, "us");
});
afterAll(() => owner.disposeAsync());

function clientOf(region: RegionName) {
  const { client } = pair[region];
  if (client === undefined) throw new Error(`region ${region} is stopped`);
  return client;
}

/** The regions as a command sees them that runs in this one. */
function urlsOf(region: RegionName): string[] {
  return Array.from(pair[region].regions, ([each, { servers, user, password }]) => {
    return `${each}=nats://${user}:${password}@127.0.0.1:${servers[0].port}`;
  });
}

/** A command in a region, with the network between them as it is. */
async function run(from: RegionName, ...args: string[]) {
  const urls = urlsOf(from);
  const env = { PATH: process.env["PATH"], SLUICE_REGIONS: urls.join(" "), NATS_URL: urls[0]?.slice("eu=".length) };
  const { code, out, err } = await sluice([...args, "--json"], { env });
  return { code, said: out.map((line) => JSON.parse(line) as Record<string, unknown>), err };
}

const admit = async (...more: string[]) => {
  const port = String(await freePort());
  return run("eu", "region", "admit", "eu", "--config", pair.eu.config, "--port", port, "--seconds", "0", ...more);
};

const publish = (region: RegionName) =>
  clientOf(region)
    .request("events.acme.order.created", "{}", { timeout: 10_000 })
    .then(
      (message) => message.json(),
      () => "nobody",
    );

async function openBus(region: RegionName): Promise<RegionBus> {
  const urls = pair[region].regions.get(region);
  if (urls === undefined) throw new Error(`there is no region ${region}`);
  return openRegion(region, urls);
}

test("two commands change a region one after the other, and one whose connection is gone keeps nobody out", async () => {
  await using first = await openBus("us");
  await using second = await openBus("us");
  const held = await lockRegion(first, 1_000);
  await expect(lockRegion(second, 100)).rejects.toThrow("another command is at work in region us");
  await held[Symbol.asyncDispose]();
  await lockRegion(second, 1_000);
  await second.nats.close();
  // The lock of the one that is gone is over after a second, which the server of a busy machine notices late.
  await using _ = await lockRegion(first, 10_000);
});

/** Connects as a service would. */
const connectAs = (name: string) =>
  connect({ servers: `127.0.0.1:${pair.eu.regions.get("eu")?.servers[0].port}`, user: "operator", pass: "test", name });

/** A mirror in the fenced stream's place would take the late update of a process that was held up. */
async function requireNoneOfBefore(held: NatsConnection): Promise<void> {
  await using bus = await openBus("eu");
  await using later = new AsyncDisposableStack();
  const standby = await connectAs("sluice-policy");
  later.defer(() => standby.close());
  const streams = await bus.streams();
  await expect(waitUntilEnded(bus, streams, 0)).rejects.toThrow(
    "sluice-policy at 127.0.0.1 is connected since before the fence",
  );
  await held.close();
  await waitUntilEnded(bus, streams);
}

test("an update that was read before the fence, and comes after it, opens nothing", async () => {
  const { config } = await ask<{ config: object }>(clientOf("eu"), "STREAM.INFO.EVENTS_acme", {});
  const held = await connectAs("sluice-policy");
  expect((await run("eu", "region", "fence", "eu", "--yes")).code).toBe(0);
  await requireNoneOfBefore(held);
  await expect(ask(clientOf("eu"), "STREAM.UPDATE.EVENTS_acme", config)).rejects.toThrow(
    "can not unseal a sealed stream",
  );
  expect(await publish("eu")).toBe("nobody");
});

test("a home that was fenced is restored from its backup, and takes events again where it stood", async () => {
  const out = join(folder, "fenced");
  expect((await run("eu", "backup", "--no-redis", "--out", out)).code).toBe(0);
  const { streams } = await ask<{ streams: string[] }>(clientOf("eu"), "STREAM.NAMES", {});
  for (const name of streams) await ask(clientOf("eu"), `STREAM.DELETE.${name}`, {});
  const restored = await run("eu", "restore", out, "--no-redis", "--reopen");
  expect(restored).toMatchObject({ code: 0, err: [] });
  expect(await publish("eu")).toMatchObject({ stream: "EVENTS_acme", domain: "eu", seq: 1 });
  const [status] = (await run("eu", "region", "status")).said;
  expect(status).toMatchObject({ regions: [{ region: "eu", state: "seat", term: 2 }, { region: "us" }] });
});

test("a server may open where the other region says that it has not taken over, and stays closed where it is not asked", async () => {
  await pair.eu.kill();
  expect(await admit()).toMatchObject({ code: 0, said: [{ answer: "open" }] });
  pair.net("reset");
  const closed = await admit();
  expect([closed.code, closed.err.at(-1)]).toEqual([1, expect.stringContaining("region eu stays closed")]);
  expect(await admit("--not-promoted", "us")).toMatchObject({ code: 0, said: [{ answer: "open" }] });
});

/** `sluice region admit`, as a program of its own. */
function startAdmit(...options: string[]) {
  const args = ["scripts/sluice.mjs", "region", "admit", "eu", ...options, "--json"];
  return startChild(process.execPath, args, { SLUICE_REGIONS: urlsOf("eu").join(" ") });
}

test("a server whose store nobody names is not taken for one that holds nothing", async () => {
  const config = join(folder, "without-store.conf");
  await writeFile(config, "jetstream { domain: eu }\n");
  const args = ["region", "admit", "eu", "--config", config, "--port", String(await freePort())];
  const env = { PATH: process.env["PATH"], TMPDIR: folder, SLUICE_REGIONS: urlsOf("eu").join(" ") };
  const { code, err } = await sluice(args, { env });
  expect([code, err.at(-1)]).toEqual([1, expect.stringContaining("say with --store which folder")]);
});

test("a command that is ended while it waits leaves no server with the store, and one that is left is not asked", async () => {
  const port = await freePort();
  const waiting = startAdmit("--config", pair.eu.config, "--port", String(port));
  await waitFor("nobody answers", () => waiting.output().includes("region eu stays closed"));
  const second = await run("eu", "region", "admit", "eu", "--config", pair.eu.config, "--port", String(port));
  expect(second).toMatchObject({ code: 1, err: [expect.stringContaining(`something listens on port ${port}`)] });
  expect(await waiting.end("SIGTERM")).toBe(1);
  expect(await accepts(port)).toBe(false);
});

test("a region that comes back while somebody is asked whether it is lost is not lost", async () => {
  pair.net("pass");
  async function* answer() {
    await pair.eu.start();
    yield "eu\n";
  }
  const env = { SLUICE_REGIONS: urlsOf("us").join(" ") };
  const promotion = ["region", "promote", "us", "--lost", "eu", "--link-closed"];
  const { code, err } = await sluice(promotion, { env, isTTY: true, stdin: answer() });
  expect([code, err.at(-1)]).toEqual([1, expect.stringContaining("region eu answers, so it is not lost")]);
  // A server that refuses the password runs, too.
  const [eu = "", us = ""] = urlsOf("us");
  const refused = { SLUICE_REGIONS: `${eu.replace(":test@", ":wrong@")} ${us}` };
  const again = await sluice([...promotion, "--confirm", "eu"], { env: refused });
  expect([again.code, again.err.at(-1)]).toEqual([1, expect.stringContaining("nobody may take region eu for lost")]);
  await pair.eu.kill();
  pair.net("reset");
});

test("a region that runs, cut off, while it is given up for lost is fenced once its watch sees the other", async () => {
  await cp(pair.eu.store, join(folder, "store"), { recursive: true });
  await pair.eu.start();
  const watch = startAdmit("--watch");
  await pair.setLink("us", false);
  await waitFor("the mirrors have heard nothing for long enough", async () => (await run("us", ...LOST)).code === 0);
  const both = await Promise.all((["eu", "us"] as const).map(publish));
  expect(both).toMatchObject([{ domain: "eu" }, { domain: "us" }]);
  pair.net("pass");
  await waitFor("the watch fences it", () => watch.output().includes('"answer":"fenced"'));
  expect([await publish("eu"), await publish("us")]).toEqual(["nobody", expect.objectContaining({ domain: "us" })]);
  expect(await watch.end("SIGTERM")).toBe(0);
});

test("a server of a region that was given up for lost opens fenced", async () => {
  await pair.eu.kill();
  await rm(pair.eu.store, { recursive: true });
  await rename(join(folder, "store"), pair.eu.store);
  expect(await admit()).toMatchObject({ code: 0, said: [{ answer: "fenced", by: "us" }] });
  await pair.eu.start();
  expect([await publish("eu"), await publish("us")]).toEqual(["nobody", expect.objectContaining({ domain: "us" })]);
});
