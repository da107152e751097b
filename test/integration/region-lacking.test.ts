import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, keepMirrors, makeHome } from "#test/support/home-pair-streams.ts";
import { Death, openRegionWorld } from "#test/support/region-world.ts";
import { type HomePair, startHomePair } from "#test/support/start-home-pair.ts";
import { waitFor } from "#test/support/wait.ts";

const LOG = "EVENTS_acme";

const owner = new AsyncDisposableStack();
let folder: string;
let pair: HomePair;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-lacking-"));
  owner.defer(() => rm(folder, { recursive: true, force: true }));
  pair = owner.use(await startHomePair());
});
afterAll(() => owner.disposeAsync());

test("what a mirror lacked inside when it was promoted for a lost region is kept when that is back, and nothing that was erased", async () => {
  const world = openRegionWorld(pair, folder);
  await makeHome(clientOf(pair.eu), ["acme"]);
  await waitFor("the link is there", () => world.isLinked());
  await keepMirrors(pair, "us");
  const erasure = { subject: "order.erased", through: 4 };
  for (const topic of ["kept", "lacked", "erased", "kept"])
    await store(clientOf(pair.eu), `events.acme.order.${topic}`);
  await store(clientOf(pair.eu), "control.acme.erased", erasure);
  const mirrored = () => ask<{ state: { last_seq: number } }>(clientOf(pair.us), `STREAM.INFO.${LOG}`, {});
  await waitFor("they are mirrored", async () => (await mirrored()).state.last_seq === 5);
  // A cut may have nats-server before 2.15.3 leave the first out; the second was erased, and the region lost before it was purged there.
  for (const topic of ["lacked", "erased"]) {
    await ask(clientOf(pair.us), `STREAM.PURGE.${LOG}`, { filter: `events.acme.order.${topic}` });
  }
  await pair.eu.kill();
  await waitFor("it is promoted", () => world.promote("us", { isLost: true }).then(() => true, isTooSoon));
  await store(clientOf(pair.us), "events.acme.order.new");
  await world.start("eu");
  // It dies once the last original is deleted.
  await expect(world.rejoin("eu", 2 + 4)).rejects.toThrow(Death);
  // The old region's audit trail has its fence.
  expect((await readdir(join(folder, "1"))).toSorted()).toEqual(["AUDIT.ndjson", `${LOG}.ndjson`]);
  const lines = (await readFile(join(folder, "1", `${LOG}.ndjson`), "utf8")).trim().split("\n");
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { seq: 2, subject: "events.acme.order.lacked" },
  ]);
  // The seat asks the other region again once that is said to be back.
  const seat = () => ask<{ config: { metadata: object } }>(clientOf(pair.us), "STREAM.INFO.KV_sluice_policy", {});
  expect((await seat()).config.metadata).toMatchObject({ sluice_lost: "eu" });
  await world.rejoin("eu");
  expect((await seat()).config.metadata).not.toHaveProperty("sluice_lost");
});

function isTooSoon(error: Error): false {
  if (error.message.includes("ms ago")) return false;
  throw error;
}

function clientOf({ client }: HomePair["eu"]): NatsConnection {
  if (client === undefined) throw new Error("the region is stopped");
  return client;
}

async function store(client: NatsConnection, subject: string, data: object = {}): Promise<void> {
  const answer = await client.request(subject, JSON.stringify(data), { timeout: 5_000 });
  expect(answer.json()).not.toHaveProperty("error");
}
