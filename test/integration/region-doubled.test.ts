import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeHome } from "#test/support/home-pair-streams.ts";
import { sluice } from "#test/support/run-sluice.ts";
import { type HomePair, startHomePair } from "#test/support/start-home-pair.ts";

const owner = new AsyncDisposableStack();
let pair: HomePair;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-doubled-"));
  owner.defer(() => rm(folder, { recursive: true }));
  pair = owner.use(await startHomePair());
  await pair.setLink("us", false);
  for (const { client } of [pair.eu, pair.us]) if (client !== undefined) await makeHome(client, ["acme"]);
});
afterAll(() => owner.disposeAsync());

async function run(...args: string[]) {
  const urls = Array.from(pair.eu.regions, ([region, { servers, user, password }]) => {
    return `${region}=nats://${user}:${password}@127.0.0.1:${servers[0].port}`;
  });
  const { code, out, err } = await sluice(["region", ...args, "--json"], { env: { SLUICE_REGIONS: urls.join(" ") } });
  return { code, said: out.map((line) => JSON.parse(line) as object), err };
}

test("of two regions that take events by equal terms a person ends one, which is a mirror's place then", async () => {
  const both = await run("status");
  expect([both.code, both.err.join(" ")]).toEqual([1, expect.stringContaining("sluice region fence ends the one")]);
  const tails = ["--out", join(folder, "tails"), "--yes"];
  expect((await run("rejoin", "eu", ...tails)).code).toBe(1);
  expect(await run("fence", "eu", "--yes")).toMatchObject({ code: 0, said: [{ region: "eu", term: 1 }] });
  // The other one goes on: nobody could take over from it.
  expect((await run("fence", "us", "--yes")).err.at(-1)).toContain("none could take over");
  expect(await run("rejoin", "eu", ...tails)).toMatchObject({ code: 0, said: [{ region: "eu", seat: "us" }] });
  const [state] = (await run("status")).said;
  expect(state).toMatchObject({ regions: [{ state: "nothing" }, { region: "us", state: "seat", term: 1 }] });
});
