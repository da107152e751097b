import { afterEach, describe, expect, test } from "vitest";
import { waitFor } from "../../../test/support/wait.ts";
import { createFakeEnvironment, type FakeEnvironment } from "../../../test/rigs/fake-environment.ts";
import type { SluiceStream } from "../sluice-stream.ts";
import { createFakeEdge, type FakeEdge } from "../testing/fake-edge.ts";
import { connectRegionsIn } from "./connect-regions.ts";

const MINUTE_MS = 60_000;
const [EU, US] = ["https://eu.test", "https://us.test"];

/** Two regions of one log, and what a client there has shown. */
interface World {
  readonly environment: FakeEnvironment;
  readonly edges: Readonly<Record<string, FakeEdge>>;
  /** The regions that do not answer. */
  readonly away: Set<string>;
  /** Where streams were asked for. */
  readonly asked: string[];
  readonly stream: SluiceStream;
  readonly shown: unknown[];
  /** Stores an event, which both regions have. */
  emit(data: number): void;
}

const open: SluiceStream[] = [];
afterEach(() => {
  for (const stream of open.splice(0)) stream.close();
});

function openWorld(url: string | readonly [string, ...string[]] = [EU, US], named: object[] = []): World {
  const edges: Record<string, FakeEdge> = { [EU]: createFakeEdge("ann"), [US]: createFakeEdge("ann") };
  const [away, asked, shown] = [new Set<string>(), [] as string[], [] as unknown[]];
  const environment = createFakeEnvironment({
    async fetch(target, init) {
      const { origin, pathname } = new URL(target);
      if (pathname === "/v1/stream") asked.push(origin);
      if (away.has(origin)) throw new TypeError("nobody answers");
      if (pathname === "/v1/capabilities") return Response.json({ transports: ["sse"], regions: named });
      return (edges[origin] as FakeEdge).fetch(target, init);
    },
  });
  const ignore = { onGap: "ignore", onReset: "ignore", onDegraded: "ignore" } as const;
  const options = { url, topics: ["order.>"], token: "token", share: false, transports: ["sse"], ...ignore } as const;
  const stream = connectRegionsIn(environment, options);
  open.push(stream);
  stream.on("order.created", ({ data }) => shown.push(data));
  const emit = (data: number): void => Object.values(edges).forEach((edge) => edge.emit("order.created.1", data));
  return { environment, edges, away, asked, stream, shown, emit };
}

/** Breaks a region off, and lets nobody in. */
async function fail({ away, edges, stream }: World, url: string): Promise<void> {
  away.add(url);
  edges[url]?.cut();
  // It is seen a few turns later.
  await waitFor("the cut is seen", () => stream.state.name !== "live");
}

/** Lets time pass, and waits for the stream that it brings. */
async function becomeLive({ environment, stream }: World, ms: number): Promise<void> {
  await environment.pass(ms);
  await waitFor("live", async () => {
    // What was behind is live a second after its last event.
    await environment.pass(100);
    return stream.state.name === "live";
  });
}

/** The regions in the order in which streams were asked for there: a fake edge is silent, and each silence asks again. */
function moves({ asked }: World): readonly string[] {
  return asked.filter((region, place) => region !== asked[place - 1]);
}

/** How often the first region was asked before another one was. */
function attempts({ asked }: World): number {
  return asked.indexOf(US);
}

describe("a client of two regions", () => {
  test("goes to the second after three attempts in a row have failed, behind what it has", async () => {
    const world = openWorld();
    await becomeLive(world, 0);
    world.emit(1);
    await fail(world, EU);
    world.emit(2);
    await becomeLive(world, 20_000);
    world.emit(3);
    await waitFor("the last event", () => world.shown.at(-1) === 3);
    // One that brought a stream, and three.
    expect([attempts(world), moves(world)]).toEqual([4, [EU, US]]);
    expect([world.stream.state.name, world.shown]).toEqual(["live", [1, 2, 3]]);
  });

  test("goes back to the first when that answers after ten minutes of calm, and misses nothing", async () => {
    const world = openWorld();
    await fail(world, EU);
    await world.environment.pass(MINUTE_MS);
    expect(world.asked.at(-1)).toBe(US);
    world.away.delete(EU);
    await world.environment.pass(9 * MINUTE_MS);
    world.emit(1);
    expect(world.asked.at(-1)).toBe(US);
    await becomeLive(world, 6 * MINUTE_MS);
    world.emit(2);
    await waitFor("the last event", () => world.shown.at(-1) === 2);
    expect(moves(world)).toEqual([EU, US, EU]);
    expect([world.stream.state.name, world.shown]).toEqual(["live", [1, 2]]);
  });

  test("stays where it is as long as the first does not answer", async () => {
    const world = openWorld();
    await fail(world, EU);
    await world.environment.pass(120 * MINUTE_MS);
    expect([attempts(world), moves(world)]).toEqual([3, [EU, US]]);
  });

  test("waits twice as long before each return to a first region that does not hold", async () => {
    const world = openWorld();
    for (const calmMinutes of [15, 30, 60]) {
      await fail(world, EU);
      await world.environment.pass(MINUTE_MS);
      world.away.delete(EU);
      await world.environment.pass((calmMinutes / 2) * MINUTE_MS);
      expect(world.asked.at(-1)).toBe(US);
      await world.environment.pass((calmMinutes / 2) * MINUTE_MS);
      expect(world.asked.at(-1)).toBe(EU);
    }
  });

  test("tells the other tabs, and its next visit, where it is", async () => {
    const world = openWorld();
    await fail(world, EU);
    await world.environment.pass(MINUTE_MS);
    expect(JSON.parse([...world.environment.stored.values()].at(-1) ?? "")).toMatchObject({ url: US });
    world.stream.close();
  });

  test("learns the others of the first where it is told of one alone, and tells its token to none that is less protected", async () => {
    const world = openWorld(EU, [
      { name: "eu", url: "https://elsewhere.test", here: true },
      { name: "bad", url: "http://plain.test" },
      { name: "us", url: `${US}/` },
    ]);
    await becomeLive(world, 0);
    await fail(world, EU);
    await world.environment.pass(MINUTE_MS);
    expect(moves(world)).toEqual([EU, US]);
  });

  test("goes round where none answers", async () => {
    const world = openWorld();
    await fail(world, EU);
    await fail(world, US);
    await world.environment.pass(5 * MINUTE_MS);
    expect(world.asked.slice(0, 7)).toEqual([EU, EU, EU, US, US, US, EU]);
  });
});
