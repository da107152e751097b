import { describe, expect, test } from "vitest";
import type { AppError } from "#shared/errors/app-error.ts";
import { createAdmission } from "#test/rigs/admission.ts";
import type { DefaultLimits, StreamOwner } from "./admission.ts";
import { SharedCounts } from "#shared/limits/shared-counts.ts";
import { UNKNOWN_LIMITS } from "./tenant-limits.ts";

const OWNER: StreamOwner = {
  tenant: "acme",
  subject: "alice",
  sid: "s1",
  address: "192.0.2.1",
  isResume: false,
  isPoll: false,
};

const NO_LIMITS: DefaultLimits = {
  connectionsPerSession: 1_000,
  connectionsPerSubject: 1_000,
  connectionsPerAddress: 1_000,
  handshakesPerSubjectPerMinute: 1_000,
  handshakesPerAddressPerMinute: 1_000,
  pollsPerSubjectPerMinute: 1_000,
  pollsPerAddressPerMinute: 1_000,
};

function refusalOf(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return (error as AppError).busy;
  }
}

const refusal = (busy: string) => expect.objectContaining({ busy });

describe("an edge", () => {
  test("takes as many streams as it may hold, and not one more", () => {
    const admission = createAdmission(2);
    admission.enter();
    admission.enter();
    expect(admission.knock("192.0.2.1")).toBe("full");
    expect(() => admission.enter()).toThrow(refusal("full"));
    expect(admission.open).toBe(2);
  });

  test("takes a place again that was given back, with all that was counted", () => {
    const counts = new SharedCounts(1);
    const admission = createAdmission(1, { counts });
    const place = admission.enter();
    place.settle(OWNER, UNKNOWN_LIMITS);
    expect(counts.size).toBe(4);
    place.leave();
    counts.isolate();
    expect([admission.open, counts.size]).toEqual([0, 0]);
    admission.enter().settle(OWNER, UNKNOWN_LIMITS);
    expect(admission.open).toBe(1);
  });

  test("that drains takes no stream, and keeps those it has", () => {
    const admission = createAdmission(2);
    admission.enter();
    admission.drain();
    expect([admission.isDraining, admission.knock(undefined)]).toEqual([true, "drain"]);
    expect(() => admission.enter()).toThrow(refusal("drain"));
    expect(() => admission.requireServing()).toThrow(refusal("drain"));
    expect(admission.open).toBe(1);
  });

  test("is under pressure from four fifths of its places on, and wholly with all of them", () => {
    const admission = createAdmission(10);
    const pressures = Array.from({ length: 10 }, () => {
      admission.enter();
      return Number(admission.pressure.toFixed(3));
    });
    expect(pressures).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0.5, 1]);
  });

  test("whose open places are taken looks at so many tokens a second, to find those who may still come in", () => {
    const clock = { now: 0 };
    const admission = createAdmission(1_000, { pools: new Map([["premium", 50]]), wall: () => clock.now });
    for (let index = 0; index < 475; index += 1) admission.enter().settle(OWNER, UNKNOWN_LIMITS);
    const identify = () => Array.from({ length: 300 }, () => admission.knock("192.0.2.1") ?? admission.enter().leave());
    expect(identify().filter((reason) => reason === "full")).toHaveLength(100);
    clock.now += 1_000;
    expect(admission.knock("192.0.2.1")).toBeUndefined();
    const handshakes = Array.from({ length: 200 }, () => admission.enter());
    handshakes.forEach((place) => place.leave());
  });
});

describe.each([
  ["connectionsPerSession", "session_streams", { sid: "s2" }],
  ["connectionsPerSubject", "subject_streams", { subject: "bob" }],
  ["connectionsPerAddress", "address_streams", { address: "192.0.2.2" }],
] as const)("%s", (limit, busy, other) => {
  test("is reached, and not passed", () => {
    const admission = createAdmission(100, { limits: { ...NO_LIMITS, [limit]: 2 } });
    for (const _ of [1, 2]) admission.enter().settle(OWNER, UNKNOWN_LIMITS);
    const third = admission.enter();
    expect(() => third.settle(OWNER, UNKNOWN_LIMITS)).toThrow(refusal(busy));
    expect(() => third.settle({ ...OWNER, ...other, tenant: "other" }, UNKNOWN_LIMITS)).not.toThrow();
  });

  test("is the tenant's own where it has one, also where that is higher", () => {
    const admission = createAdmission(100, { limits: { ...NO_LIMITS, [limit]: 2 } });
    const limits = { ...UNKNOWN_LIMITS, [limit]: 3 };
    for (const _ of [1, 2, 3]) admission.enter().settle(OWNER, limits);
    expect(() => admission.enter().settle(OWNER, limits)).toThrow(refusal(busy));
  });
});

describe("a tenant", () => {
  test("has as many streams as its limit says, and not one more, whoever they are of", () => {
    const admission = createAdmission(100);
    const limits = { ...UNKNOWN_LIMITS, connections: 2 };
    for (const subject of ["a", "b"]) admission.enter().settle({ ...OWNER, subject }, limits);
    expect(() => admission.enter().settle({ ...OWNER, subject: "c" }, limits)).toThrow(refusal("tenant_streams"));
    expect(() => admission.enter().settle({ ...OWNER, tenant: "other" }, limits)).not.toThrow();
  });

  test("may begin ten seconds' worth of streams at once, and one more when they are over", () => {
    const clock = { now: 0 };
    const admission = createAdmission(100, { wall: () => clock.now });
    const limits = { ...UNKNOWN_LIMITS, handshakesPerSecond: 2 };
    for (let index = 0; index < 20; index += 1) admission.identify(OWNER, limits);
    const tooMany = expect.objectContaining({ busy: "tenant_rate", code: "too_many_requests", retryAfterSeconds: 10 });
    expect(() => admission.identify(OWNER, limits)).toThrow(tooMany);
    clock.now += 10_000;
    expect(() => admission.identify(OWNER, limits)).not.toThrow();
  });

  test("is not counted what one of its subjects asks for too often: its others begin theirs", () => {
    const admission = createAdmission(100, { limits: { ...NO_LIMITS, handshakesPerSubjectPerMinute: 5 } });
    const limits = { ...UNKNOWN_LIMITS, handshakesPerSecond: 1 };
    const refusals = Array.from({ length: 50 }, () => refusalOf(() => admission.identify(OWNER, limits)));
    expect(refusals.slice(5)).toEqual(Array(45).fill("subject_rate"));
    expect(() => admission.identify({ ...OWNER, subject: "bob" }, limits)).not.toThrow();
  });

  test("that has what it may is refused before auth and policy are asked, but for one in sixteen", () => {
    const admission = createAdmission(100);
    const limits = { ...UNKNOWN_LIMITS, connections: 0 };
    const refusals = Array.from({ length: 32 }, () => refusalOf(() => admission.identify(OWNER, limits)));
    expect(refusals.filter((busy) => busy === "tenant_streams")).toHaveLength(30);
    expect(refusals.filter((busy) => busy === undefined)).toHaveLength(2);
    expect(() => admission.identify(OWNER, undefined)).not.toThrow();
  });
});

describe("within a minute", () => {
  test("a subject asks for as many streams as it may, and not for one more", () => {
    const admission = createAdmission(100, { limits: { ...NO_LIMITS, handshakesPerSubjectPerMinute: 2 } });
    for (const _ of [1, 2]) admission.identify(OWNER, UNKNOWN_LIMITS);
    expect(() => admission.identify(OWNER, UNKNOWN_LIMITS)).toThrow(refusal("subject_rate"));
    expect(() => admission.identify({ ...OWNER, subject: "bob" }, UNKNOWN_LIMITS)).not.toThrow();
  });

  test("an address asks as often as it may, and not once more; this host's own address as often as it likes", () => {
    const admission = createAdmission(100, { limits: { ...NO_LIMITS, handshakesPerAddressPerMinute: 2 } });
    const knocks = (address: string | undefined) => [1, 2, 3].map(() => admission.knock(address));
    expect(knocks("192.0.2.1")).toEqual([undefined, undefined, "address_rate"]);
    expect(knocks("192.0.2.2")).toEqual([undefined, undefined, "address_rate"]);
    expect(knocks(undefined)).toEqual([undefined, undefined, undefined]);
  });

  test("is known to be closed to an address that has asked as often as it may, and to no other", () => {
    const clock = { now: 0 };
    const limits = { ...NO_LIMITS, handshakesPerAddressPerMinute: 2 };
    const admission = createAdmission(100, { limits, wall: () => clock.now });
    admission.knock("192.0.2.1");
    expect([1, 2, 3].map(() => admission.closedTo("192.0.2.1"))).toEqual([undefined, undefined, undefined]);
    admission.knock("192.0.2.1");
    expect(["192.0.2.1", "192.0.2.2", undefined].map((address) => admission.closedTo(address))).toEqual([
      "address_rate",
      undefined,
      undefined,
    ]);
    clock.now += 60_000;
    expect(admission.closedTo("192.0.2.1")).toBeUndefined();
  });
});

describe("while places are scarce", () => {
  test("who comes back or has no stream comes before somebody's next one", () => {
    const admission = createAdmission(20);
    for (let index = 0; index < 19; index += 1) {
      admission.enter().settle({ ...OWNER, sid: `s${index}` }, UNKNOWN_LIMITS);
    }
    const last = admission.enter();
    expect(() => last.settle(OWNER, UNKNOWN_LIMITS)).toThrow(refusal("full"));
    expect(() => last.settle({ ...OWNER, tenant: "other" }, UNKNOWN_LIMITS)).not.toThrow();
  });

  test("a tier with places of its own still has them", () => {
    const admission = createAdmission(10, { pools: new Map([["premium", 20]]) });
    for (let index = 0; index < 8; index += 1) admission.enter().settle(OWNER, UNKNOWN_LIMITS);
    const place = admission.enter();
    expect(() => place.settle({ ...OWNER, subject: "bob" }, UNKNOWN_LIMITS)).toThrow(refusal("full"));
    expect(() => place.settle({ ...OWNER, tenant: "rich" }, { tier: "premium" })).not.toThrow();
  });
});
