import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { amountOf } from "#test/soak/amount.ts";
import {
  advance,
  emptyRing,
  type KeyPlan,
  type KeyRing,
  publishedKeys,
  type RingKey,
  type SigningAlgorithm,
  withdraw,
} from "./key-ring.ts";

const plan: KeyPlan = { algorithm: "ES256", rotationMs: 10_000, publishMs: 600, keepMs: 3_000 };

/** Names keys A, B, C, … in the order in which they are made. */
function maker(alg: SigningAlgorithm = "ES256") {
  let made = 0;
  return (now: number): RingKey => {
    made += 1;
    return { kid: String.fromCharCode(64 + made), alg, sealed: "x", publishedAt: now };
  };
}

/** `A signs, B next, C retired; D withdrawn`, in few characters. */
function sketch(ring: KeyRing): string {
  const retired = ring.retired.map(({ kid }) => kid).join("");
  return `${ring.signing?.kid ?? "-"}>${ring.next?.kid ?? "-"} ${retired}/${ring.withdrawn.map(({ kid }) => kid).join("")}`;
}

describe("a ring over time", () => {
  test.each<{ name: string; times: number[]; becomes: string[] }>([
    { name: "begins with a key that signs and one published ahead", times: [0], becomes: ["A>B /"] },
    { name: "does not change before its time", times: [0, 9_999], becomes: ["A>B /", "A>B /"] },
    { name: "rotates on its schedule", times: [0, 10_000], becomes: ["A>B /", "B>C A/"] },
    {
      name: "forgets a retired key once it was kept for long enough, not before",
      times: [0, 10_000, 12_999, 13_000],
      becomes: ["A>B /", "B>C A/", "B>C A/", "B>C /"],
    },
    { name: "rotates once after a long time without anybody", times: [0, 90_000], becomes: ["A>B /", "B>C A/"] },
  ])("$name", ({ times, becomes }) => {
    const makeKey = maker();
    let ring = emptyRing("refresh");
    const seen = times.map((now) => sketch((ring = advance(ring, now, plan, makeKey))));
    expect(seen).toEqual(becomes);
  });

  test("is the same object while nothing is to be done", () => {
    const ring = advance(emptyRing("refresh"), 0, plan, maker());
    expect(advance(ring, 5_000, plan, maker())).toBe(ring);
  });
});

describe("a rotation that was asked for", () => {
  const makeKey = maker();
  const asked = { ...advance(emptyRing("refresh"), 0, plan, makeKey), rotationRequested: true };

  test("waits until the next key has been published for long enough", () => {
    expect(sketch(advance(asked, 599, plan, makeKey))).toBe("A>B /");
    const rotated = advance(asked, 600, plan, makeKey);
    expect(sketch(rotated)).toBe("B>C A/");
    expect(rotated.rotationRequested).toBe(false);
  });
});

describe("another algorithm", () => {
  const ring = advance(emptyRing("refresh"), 0, plan, maker());
  const edPlan = { ...plan, algorithm: "EdDSA" } as const;

  test("replaces the key that never signed, and rotates to it once it was published for long enough", () => {
    const makeKey = maker("EdDSA");
    const published = advance(ring, 5_000, edPlan, makeKey);
    expect([published.signing?.alg, published.next?.alg]).toEqual(["ES256", "EdDSA"]);
    expect(advance(published, 5_599, edPlan, makeKey).signing?.alg).toBe("ES256");
    const rotated = advance(published, 5_600, edPlan, makeKey);
    expect([rotated.signing?.alg, rotated.next?.alg]).toEqual(["EdDSA", "EdDSA"]);
    expect(rotated.retired.map(({ alg }) => alg)).toEqual(["ES256"]);
  });
});

describe("a withdrawn key", () => {
  const makeKey = maker();
  const first = advance(emptyRing("refresh"), 0, plan, makeKey);
  const rotated = advance(first, 10_000, plan, makeKey);

  test.each([
    ["B", "C>- A/B", "C>D A/B"],
    ["C", "B>- A/C", "B>E A/C"],
    ["A", "B>C /A", "B>C /A"],
  ])("%s is gone at once, and the ring completes itself", (kid, at, after) => {
    const without = withdraw(rotated, kid, 10_001);
    expect(sketch(without!)).toBe(at);
    expect(sketch(advance(without!, 10_002, plan, makeKey))).toBe(after);
  });

  test("that was the last one leaves a ring that signs with a new key after the next step", () => {
    const without = withdraw(withdraw(first, "B", 1)!, "A", 1)!;
    expect(sketch(without)).toBe("->- /BA");
    expect(advance(without, 2, plan, makeKey).signing?.signingAt).toBe(2);
  });

  test("is named for good, and an unknown one changes nothing", () => {
    const without = withdraw(first, "A", 1)!;
    expect(advance(without, 1e12, plan, makeKey).withdrawn).toEqual([{ kid: "A", withdrawnAt: 1 }]);
    expect(withdraw(without, "A", 2)).toBeUndefined();
    expect(withdraw(first, "Z", 2)).toBeUndefined();
  });
});

describe("no token that is still good meets a verifier that cannot have its key", () => {
  const [second, cacheMs, unheardMs, tokenMs, leewayMs] = [1_000, 300_000, 30_000, 300_000, 30_000];
  const times = { ...plan, rotationMs: 1_500 * second, publishMs: 600 * second, keepMs: 3_600 * second };

  test("at any time, with any rotations, with a JWKS up to 300 s old and auth processes that lag 30 s", () => {
    const steps = fc.array(fc.record({ waitMs: fc.integer({ min: 5_000, max: 60_000 }), rotates: fc.boolean() }), {
      minLength: 100,
      maxLength: 200,
    });
    const part = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(steps, part, (moves, between) => {
        const history = replay(moves);
        // What breaks, breaks at an end of a range; something between the ends is tried as well.
        const parts = [0, between, 1];
        for (const { at } of history) {
          for (const [signLag, age, cache] of cube(parts)) {
            const kid = ringAt(history, at - signLag * unheardMs).signing?.kid;
            const fetchedAt = at + age * (tokenMs + leewayMs) - cache * (cacheMs + unheardMs);
            const kids = publishedKeys(ringAt(history, fetchedAt)).map(({ key }) => key.kid);
            if (!kids.includes(kid ?? "")) throw new Error(`${kid} signs at ${at}, verified with ${kids.join()}`);
          }
        }
      }),
      { numRuns: amountOf("keys", 100) },
    );
  });

  function cube(parts: readonly number[]): [number, number, number][] {
    return parts.flatMap((a) => parts.flatMap((b) => parts.map((c): [number, number, number] => [a, b, c])));
  }

  interface Moment {
    readonly at: number;
    readonly ring: KeyRing;
  }

  function replay(moves: readonly { waitMs: number; rotates: boolean }[]): Moment[] {
    const makeKey = maker();
    const history: Moment[] = [{ at: 0, ring: advance(emptyRing("r"), 0, times, makeKey) }];
    for (const { waitMs, rotates } of moves) {
      const last = history.at(-1)!;
      const at = last.at + waitMs;
      const asked = rotates ? { ...last.ring, rotationRequested: true } : last.ring;
      history.push({ at, ring: advance(asked, at, times, makeKey) });
    }
    return history;
  }

  /** Before the ring began nobody can have read it. */
  function ringAt(history: readonly Moment[], time: number): KeyRing {
    return (history.findLast(({ at }) => at <= time) ?? history[0]!).ring;
  }
});
