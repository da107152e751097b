import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changeLoss, OWN_NETWORK_VARIABLE } from "#test/chaos/faults/lossy-link.ts";
import { audit } from "#test/support/checker/audit.ts";
import { type Run, startRun } from "#test/support/checker/start-run.ts";
import { openEventStream } from "#test/support/event-stream.ts";
import { type RegionEdges, startRegionEdges } from "#test/support/start-region-edges.ts";
import type { LinkMode } from "#test/support/start-region-servers.ts";
import { waitFor } from "#test/support/wait.ts";
import { amountOf, timeoutOf } from "./amount.ts";

/** How often each cut is made; none in the suite. */
const ROUNDS = amountOf("region-cuts", 0);

/** Set where the soak runs in a network of its own, in which packets may be dropped (`unshare --net`). */
const MAY_DROP = process.env[OWN_NETWORK_VARIABLE] !== undefined;

const HELD_BACK = ["degraded region", "recovered region"];

describe.skipIf(ROUNDS === 0)("a client in the region that mirrors its home", () => {
  let world: RegionEdges;
  let token: string;

  beforeAll(async () => {
    world = await startRegionEdges({
      auth: { AUTH_ACCESS_TOKEN_SECONDS: "3600", AUTH_SESSION_SECONDS: "86400" },
    });
    token = (await world.login("carol")).access_token;
    await waitFor(
      "us serves home eu",
      async () => {
        await using stream = await openEventStream(world.urls("topic=push.>").us, { token });
        const [frame] = await waitFor("a frame", () => (stream.frames.length > 0 ? stream.frames : undefined));
        return frame?.event === "ready";
      },
      60_000,
    );
  }, 180_000);
  afterAll(() => world[Symbol.asyncDispose]());

  test.each<[mode: LinkMode, seconds: number, told: readonly string[]]>([
    ["reset", 4, []],
    ["blackhole", 4, []],
    ["reset", 12, HELD_BACK],
    ["blackhole", 12, HELD_BACK],
    ["one-way", 12, HELD_BACK],
    [{ delayMs: 200 }, 20, []],
  ])(
    "gets every event once after a link that was %o for %i s, and is told %j",
    async (mode, seconds, told) => {
      for (let round = 0; round < ROUNDS; round += 1) {
        await readWhile(`${JSON.stringify(mode)} ${seconds} ${round}`, told, async () => {
          world.link(mode);
          await delay(seconds * 1_000);
          world.link("pass");
        });
      }
    },
    timeoutOf(60_000),
  );

  test.runIf(MAY_DROP)(
    "gets every event once, and is told nothing, while the link loses one packet of a hundred",
    async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        await readWhile(`loss ${round}`, [], async () => {
          await changeLoss("-A", [world.regions.brokers.eu.leafPort], 0.01);
          await delay(20_000);
          await changeLoss("-D", [world.regions.brokers.eu.leafPort], 0.01);
        });
      }
    },
    timeoutOf(60_000),
  );

  /** Reads in region us while events are published in region eu and something is done; the client must be told this of its region. */
  async function readWhile(name: string, told: readonly string[], act: () => Promise<void>): Promise<void> {
    const urls = [world.urls("topic=push.>").us];
    await using run = await startRun(await world.producer(), 1, { tenant: "demo", token, urls });
    const [reader] = run.readers;
    const steady = run.producer.publishSteadily(["push.event.k"], name, 50);
    await run.producer.publish("push.event.k", `before ${name}`);
    await run.reach(`before ${name}`);
    await act();
    await steady.stop();
    await reader?.complete(await lastOf(run), 120_000);
    expect(audit(run.ledger)).toMatchObject({ lost: 0, duplicates: 0, outOfOrder: 0, gaps: 0, resets: 0 });
    const said = (): string[] =>
      (reader?.frames ?? [])
        .filter(({ event }) => event === "degraded" || event === "recovered")
        .map(({ event, data }) => `${event} ${(JSON.parse(data) as { reason: string }).reason}`);
    // The origin is asked for each second: what it has published may come before the word that it is heard again.
    await waitFor("it is told", () => said().length >= told.length);
    expect(said()).toEqual(told);
  }
});

/** Publishes a last event, and answers its text. */
async function lastOf(run: Run): Promise<string> {
  const text = `the end ${randomUUID()}`;
  await run.producer.publish("push.event.k", text);
  return text;
}
