import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { audit } from "#test/support/checker/audit.ts";
import { monotonicMs } from "#test/support/checker/ledger.ts";
import { type Run, startRun } from "#test/support/checker/start-run.ts";
import { sluice } from "#test/support/run-sluice.ts";
import { type RegionEdges, startRegionEdges } from "#test/support/start-region-edges.ts";
import { becomesReady } from "#test/support/start-regions.ts";
import type { RegionName } from "#test/support/start-region-servers.ts";
import { waitFor } from "#test/support/wait.ts";
import { amountOf, timeoutOf } from "./amount.ts";

/** Each gives home eu to region us and takes it back as from a region that is lost; none in the suite. */
const ROUNDS = amountOf("region-drill", 0);

/** Three servers elect leaders, and a busy machine is slow. */
const PATIENCE_MS = 60_000;

const TOPIC = "push.event.k";
const SERVICES = ["auth", "policy"] as const;

describe.skipIf(ROUNDS === 0).each([1, 3] as const)("a home in two regions of %i servers each", (servers) => {
  let world: RegionEdges;
  let token: string;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-drill-"));
    world = await startRegionEdges({
      servers,
      auth: { AUTH_ACCESS_TOKEN_SECONDS: "3600", AUTH_SESSION_SECONDS: "86400" },
    });
    for (const service of SERVICES) await becomesReady(world.regions.eu.eu.ports[service], PATIENCE_MS);
    token = (await world.login("carol")).access_token;
    await settled();
  }, 180_000);
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test(
    "is given away as planned with nothing lost or repeated, and taken back from a region that is lost with a reset for its clients",
    async () => {
      for (let round = 1; round <= ROUNDS; round += 1) {
        const planned = await promoteAsPlanned(round);
        const lost = await promoteForLost(round);
        process.stdout.write(`${servers} servers, round ${round}: ${JSON.stringify({ planned, lost })}\n`);
      }
    },
    timeoutOf(60_000),
  );

  /** Runs a command, and answers when each of its lines came. */
  async function region(
    ...args: string[]
  ): Promise<{ code: number; err: readonly string[]; times: Map<string, number> }> {
    const times = new Map<string, number>();
    const env = { SLUICE_REGIONS: world.operatorUrls().join(" ") };
    const print = (line: string): void => void times.set(line, performance.now());
    const { code, err } = await sluice(["region", ...args], { env, print });
    return { code, err, times };
  }

  async function must(...args: string[]): Promise<Map<string, number>> {
    const { code, err, times } = await region(...args);
    expect([code, code === 0 ? [] : err]).toEqual([0, []]);
    return times;
  }

  /** Says the command until it succeeds. */
  async function succeeds(...args: string[]): Promise<void> {
    let said: readonly string[] = [];
    const isDone = async () => {
      const { code, err } = await region(...args);
      said = err;
      return code === 0;
    };
    await waitFor(`region ${args.join(" ")}`, isDone, PATIENCE_MS).catch((error: Error) => {
      throw new Error(`${error.message}\n${said.join("\n")}`);
    });
  }

  const settled = () => succeeds("status");

  const joinBoth = async (run: Run) => {
    const urls = world.urls("topic=push.>");
    return await Promise.all((["eu", "us"] as const).map((each) => run.join(each, { urls: [urls[each]] })));
  };

  const startAgain = (at: RegionName) =>
    Promise.all(
      SERVICES.map(async (service) => {
        await world.regions.eu[at][service]?.child.end("SIGKILL");
        await world.regions.eu[at].start(service);
      }),
    );

  async function promoteAsPlanned(round: number) {
    await using run = await startRun(await world.producer(), 0, { tenant: "demo", token, urls: [] });
    const readers = await joinBoth(run);
    const steady = run.producer.publishSteadily([TOPIC], `planned ${round}`, 25);
    await run.producer.publish(TOPIC, `before ${round}`);
    await run.reach(`before ${round}`);
    const begun = performance.now();
    const steps = await must("promote", "us");
    await becomesReady(world.regions.eu.us.ports.policy, PATIENCE_MS);
    const readyMs = performance.now() - begun;
    await startAgain("eu");
    await must("rejoin", "eu", "--out", join(folder, `planned-${round}`), "--yes");
    await settled();
    await steady.stop();
    await run.producer.publish(TOPIC, `after ${round}`);
    for (const reader of readers) await reader.complete(`after ${round}`, PATIENCE_MS);
    expect(audit(run.ledger)).toMatchObject({ lost: 0, duplicates: 0, outOfOrder: 0, gaps: 0, resets: 0, uncaused: 0 });
    const [inEu = [], inUs = []] = readers.map(({ frames }) => frames.filter(({ event }) => event === "message"));
    expect(inUs.map(({ id, data }) => `${id} ${data}`)).toEqual(inEu.map(({ id, data }) => `${id} ${data}`));
    return {
      fencedMs: between(steps),
      readyMs: Math.round(readyMs),
      notTakenMs: longestWait(run),
      events: inUs.length,
    };
  }

  async function promoteForLost(round: number) {
    await using run = await startRun(await world.producer(), 0, {
      tenant: "demo",
      token,
      urls: [world.urls("topic=push.>").eu],
    });
    const reader = await run.join("eu");
    await run.producer.publish(TOPIC, `before the loss ${round}`);
    await run.reach(`before the loss ${round}`);
    const { brokers, eu: home } = world.regions;
    brokers.link("reset");
    await Promise.all(SERVICES.map(async (service) => home.us[service]?.child.end("SIGKILL")));
    await Promise.all(brokers.us.servers.map((server) => server.stop("SIGKILL")));
    const lostAt = performance.now();
    const promote = ["promote", "eu", "--lost", "us", "--confirm", "us", "--link-closed"];
    await succeeds(...promote);
    const promotedMs = Math.round(performance.now() - lostAt);
    await becomesReady(home.eu.ports.policy, PATIENCE_MS);
    const readyMs = Math.round(performance.now() - lostAt);
    await run.producer.publish(TOPIC, `after the loss ${round}`);
    const reset = await reader.frame("reset", PATIENCE_MS);
    expect(JSON.parse(reset.data)).toMatchObject({ reason: "epoch" });
    await reader.frame(({ data }) => data === `after the loss ${round}`, PATIENCE_MS);
    await Promise.all(brokers.us.servers.map((server) => server.start()));
    await succeeds("rejoin", "us", "--out", join(folder, `lost-${round}`), "--yes");
    await startAgain("us");
    brokers.link("pass");
    await settled();
    // Its edge has read the log of the epoch before: whoever comes until it sees the new one is told reset as well.
    const back = await run.join("us", { urls: [world.urls("topic=push.>").us] });
    await run.producer.publish(TOPIC, `back ${round}`);
    await back.frame(({ data }) => data === `back ${round}`, PATIENCE_MS);
    return { promotedMs, readyMs };
  }
});

/** The time from the first fenced stream to the last promoted one, in milliseconds. */
function between(steps: ReadonlyMap<string, number>): number {
  const [first = 0] = Array.from(steps).flatMap(([line, at]) => (line.startsWith("fenced ") ? [at] : []));
  const last = Array.from(steps).findLast(([line]) => line.startsWith("promoted "))?.[1] ?? 0;
  return Math.round(last - first);
}

/** The longest time in which no event was acknowledged, in milliseconds. */
function longestWait({ ledger }: Run): number {
  const taken = ledger.flatMap((entry) => (entry.of === "acknowledged" ? [entry.at] : []));
  return Math.round(Math.max(...taken.map((at, place) => (taken[place + 1] ?? monotonicMs()) - at).slice(0, -1)));
}
