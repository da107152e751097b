import { beforeEach, describe, expect, test } from "vitest";
import { TransportHealth, type TransportUse } from "./transport-health.ts";

let now: number;
let failed: string[];
let switched: string[];
let health: TransportHealth;

beforeEach(() => {
  [now, failed, switched] = [0, [], []];
  health = new TransportHealth({
    now: () => now,
    observer: {
      transportFailed: (transport, seenBy) => void failed.push(`${transport} ${seenBy}`),
      transportSwitched: (transport, tenant, isAway) =>
        void switched.push(`${tenant} ${transport} ${isAway ? "away" : "back"}`),
    },
  });
});

function use(change: Partial<TransportUse> = {}): TransportUse {
  return { transport: "websocket", tenant: "acme", subject: "alice", client: "tab-1", ...change };
}

interface Move {
  readonly livedMs: number;
  readonly awayMs: number;
  readonly to: TransportUse["transport"];
  readonly from: TransportUse;
}

/** A client leaves a stream after so long, and is back another way after so long. */
function move({ livedMs = 3_000, awayMs = 1_000, to = "sse", from = use() }: Partial<Move> = {}): void {
  health.opened(from);
  now += livedMs;
  health.left(from, livedMs);
  now += awayMs;
  health.opened({ ...from, transport: to });
}

describe("a transport has failed for a client", () => {
  test("that leaves its stream early and comes back another way", () => {
    move();
    expect(failed).toEqual(["websocket edge"]);
  });

  test.each([
    ["stays longer", { livedMs: 5_001 }],
    ["comes back much later", { awayMs: 10_001 }],
    ["comes back the same way", { to: "websocket" }],
    ["has left Server-Sent Events", { from: use({ transport: "sse" }), to: "poll" }],
  ] as const)("but not for one that %s", (_, how) => {
    move(how);
    expect(failed).toEqual([]);
  });

  test("but not where another tab or person comes another way", () => {
    health.left(use(), 1_000);
    health.opened(use({ transport: "sse", client: "tab-2" }));
    health.opened(use({ transport: "sse", subject: "bob" }));
    health.opened(use({ transport: "sse", tenant: "umbrella" }));
    expect(failed).toEqual([]);
  });

  test("that says so", () => {
    const person = { tenant: "acme", subject: "alice" };
    health.reported(person, { transport: "poll", fallback: { from: "websocket" } });
    health.reported(person, { transport: "poll", fallback: { from: "sse" } });
    health.reported(person, { transport: "poll" });
    expect(failed).toEqual(["websocket client"]);
  });
});

describe("what clients report", () => {
  const report = (tenant: string, people: number): void => {
    for (let person = 0; person < people; person += 1) {
      health.reported({ tenant, subject: `s${person}` }, { transport: "sse", fallback: { from: "websocket" } });
    }
  };
  const admits = (tenant: string, transport: TransportUse["transport"]) =>
    health.admits({ tenant, transport, client: "c" });

  test("takes a transport away from their own tenant alone, and no other one", () => {
    report("acme", 10);
    expect([admits("acme", "websocket"), admits("acme", "poll"), admits("umbrella", "websocket")]).toEqual([
      false,
      true,
      true,
    ]);
    expect(switched).toEqual(["acme websocket away"]);
  });

  test("never takes Server-Sent Events away", () => {
    for (let person = 0; person < 100; person += 1) {
      health.reported({ tenant: "acme", subject: `s${person}` }, { transport: "poll", fallback: { from: "sse" } });
    }
    expect([admits("acme", "sse"), switched]).toEqual([true, []]);
  });

  test("is forgotten of the tenant that was judged longest ago, which has the transport again", () => {
    report("acme", 10);
    for (let tenant = 0; tenant < 500; tenant += 1) report(`t${tenant}`, 1);
    expect(admits("acme", "websocket")).toBe(true);
    expect(switched).toEqual(["acme websocket away", "acme websocket back"]);
  });
});
