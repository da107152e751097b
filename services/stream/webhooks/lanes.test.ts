import { setImmediate as turn } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import type { HostNews } from "./host-breaker.ts";
import { Lanes } from "./lanes.ts";

let now: number;

beforeEach(() => void (now = 1));

/** Messages that are under way until the test ends them. */
function createRig(limits = { inAll: 4, perHost: 2 }) {
  const switches: string[] = [];
  const lanes = new Lanes({
    ...limits,
    now: () => now,
    onSwitch: (tenant, host, isAway) => void switches.push(`${tenant} ${host} ${isAway}`),
  });
  const under: { readonly to: string; readonly end: (news: HostNews) => void }[] = [];
  const post = (tenant: string, host: string): Promise<HostNews> =>
    lanes.run(
      { tenant, host },
      () => {
        const { promise, resolve } = Promise.withResolvers<HostNews>();
        under.push({ to: `${tenant} ${host}`, end: resolve });
        return promise;
      },
      (news) => news,
    );
  return { lanes, under, post, switches, to: () => under.map((each) => each.to) };
}

describe("messages", () => {
  test("are under way as many as a tenant may have at a host, and all together; the next when one has ended", async () => {
    const { under, post, to } = createRig({ inAll: 8, perHost: 2 });
    for (const host of ["a", "a", "a", "b", "b", "c"]) void post("acme", host);
    await turn();
    expect(to()).toEqual(["acme a", "acme a", "acme b", "acme b"]);
    under[2]?.end("takes");
    await turn();
    expect(to().slice(4)).toEqual(["acme c"]);
    under[0]?.end("takes");
    await turn();
    expect(to().slice(5)).toEqual(["acme a"]);
  });

  test("that one tenant's receivers never answer keep no other tenant waiting", async () => {
    const { post, to } = createRig({ inAll: 8, perHost: 1 });
    for (let host = 0; host < 50; host += 1) void post("acme", `slow-${host}`);
    await turn();
    void post("rival", "a");
    void post("other", "b");
    await turn();
    expect(to().slice(-2)).toEqual(["rival a", "other b"]);
  });

  test("of one tenant do not keep another one waiting for more than a turn", async () => {
    const { under, post, to } = createRig({ inAll: 1, perHost: 1 });
    for (let index = 0; index < 50; index += 1) void post("acme", `host-${index}`);
    void post("rival", "r");
    await turn();
    for (const place of [0, 1]) {
      under[place]?.end("takes");
      await turn();
    }
    expect(to()).toEqual(["acme host-0", "acme host-1", "rival r"]);
  });

  test("to a host that is away wait for one tenant alone", async () => {
    const { under, post, to, switches } = createRig({ inAll: 9, perHost: 9 });
    for (let failure = 0; failure < 5; failure += 1) {
      const posted = post("acme", "a");
      await turn();
      under.at(-1)?.end("away");
      await posted;
    }
    expect(switches).toEqual(["acme a true"]);
    void post("acme", "a");
    void post("rival", "a");
    void post("acme", "b");
    await turn();
    expect(to().slice(5)).toEqual(["rival a", "acme b"]);
  });
});

test("hosts that did not take a tenant's last messages are told, and whether they are left alone", async () => {
  const { lanes, under, post } = createRig({ inAll: 4, perHost: 1 });
  const fail = async (tenant: string, host: string, news: HostNews): Promise<void> => {
    const posted = post(tenant, host);
    await turn();
    under.at(-1)?.end(news);
    await posted;
  };
  await fail("acme", "well", "takes");
  await fail("acme", "once", "away");
  for (let times = 0; times < 5; times += 1) await fail("acme", "gone", "away");
  await fail("rival", "other", "away");
  expect(lanes.troubles("acme", 10)).toEqual([
    { host: "gone", failures: 5, resting: true },
    { host: "once", failures: 1, resting: false },
  ]);
  expect(lanes.troubles("acme", 1)).toHaveLength(1);
});

describe("hosts that are left alone", () => {
  async function leaveAlone({ under, post }: ReturnType<typeof createRig>, host: string): Promise<void> {
    for (let times = 0; times < 5; times += 1) {
      const posted = post("acme", host);
      await turn();
      under.at(-1)?.end("away");
      await posted;
    }
  }

  test("are counted while they are remembered: no longer once others have taken their place", async () => {
    const rig = createRig({ inAll: 4, perHost: 1 });
    await leaveAlone(rig, "gone");
    expect(rig.lanes.away).toBe(1);
    for (let other = 0; other < 10_000; other += 1) void rig.post("acme", `host-${other}`);
    expect(rig.lanes.away).toBe(0);
  });

  test("are forgotten after a day on which nothing was sent to them", async () => {
    const rig = createRig({ inAll: 4, perHost: 1 });
    await leaveAlone(rig, "gone");
    now += 23 * 3_600_000;
    expect(rig.lanes.away).toBe(1);
    now += 2 * 3_600_000;
    expect(rig.lanes.away).toBe(0);
  });
});
