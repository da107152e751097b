import { beforeEach, describe, expect, test } from "vitest";
import { TransportBreaker } from "./transport-breaker.ts";

const MINUTE_MS = 60_000;
const CLIENTS = Array.from({ length: 1_000 }, (_, index) => `client-${index}`);

let now: number;
let switched: unknown[];
let breaker: TransportBreaker;

beforeEach(() => {
  [now, switched] = [0, []];
  breaker = new TransportBreaker(
    () => now,
    (isOpen, count) => void switched.push([isOpen, count]),
  );
});

/** So many people try it, and for so many others it fails. */
function note(works: number, fails: number): void {
  for (let person = 0; person < works; person += 1) breaker.note(`happy-${person}`, false);
  for (let person = 0; person < fails; person += 1) breaker.note(`unhappy-${person}`, true);
}

const admitted = (): number => CLIENTS.filter((client) => breaker.admits(client)).length;

/** Opens it, and lets the rest pass that follows. */
function openAndRest(): void {
  note(0, 10);
  now += MINUTE_MS;
}

describe("a transport", () => {
  test("is taken away where it fails for more than a fifth of ten people, and not for a fifth", () => {
    note(8, 2);
    expect([breaker.isOpen, admitted()]).toEqual([false, CLIENTS.length]);
    note(0, 3);
    expect([breaker.isOpen, admitted()]).toEqual([true, 0]);
    expect(switched).toEqual([[true, { people: 11, failed: 3 }]]);
  });

  test("is not taken away by nine people, whatever they say", () => {
    note(0, 9);
    expect(breaker.isOpen).toBe(false);
    breaker.note("tenth", false);
    expect(breaker.isOpen).toBe(false);
    breaker.note("eleventh", true);
    expect(breaker.isOpen).toBe(true);
  });

  test("is not taken away by one person, however often it fails for them", () => {
    note(20, 0);
    for (let time = 0; time < 1_000; time += 1) breaker.note("somebody", true);
    expect(breaker.isOpen).toBe(false);
  });

  test("is not taken away for failures of different minutes", () => {
    note(3, 6);
    now += MINUTE_MS;
    note(7, 1);
    expect(breaker.isOpen).toBe(false);
  });

  test("that was taken away is tried by one client in twenty after a minute, by others each time", () => {
    note(0, 10);
    now += MINUTE_MS - 1;
    expect(admitted()).toBe(0);
    now += 1;
    const first = CLIENTS.filter((client) => breaker.admits(client));
    expect(first.length).toBeGreaterThan(20);
    expect(first.length).toBeLessThan(100);
    openAndRest();
    const second = CLIENTS.filter((client) => breaker.admits(client));
    expect(second.filter((client) => first.includes(client)).length).toBeLessThan(first.length / 2);
  });

  test("comes back a minute after it was tried, where it works for those who try", () => {
    openAndRest();
    breaker.note("one", false);
    now += MINUTE_MS - 1;
    expect(admitted()).toBeLessThan(100);
    now += 1;
    expect([admitted(), breaker.isOpen]).toEqual([CLIENTS.length, false]);
    expect(switched.at(-1)).toEqual([false, { people: 1, failed: 0 }]);
  });

  test("stays away where it fails for those who try, and nothing is said of that again", () => {
    openAndRest();
    note(1, 1);
    now += MINUTE_MS;
    expect([admitted(), breaker.isOpen, switched.length]).toEqual([0, true, 1]);
  });

  test("stays with those who try as long as nobody has", () => {
    openAndRest();
    now += 100 * MINUTE_MS;
    expect(admitted()).toBeLessThan(100);
    expect(breaker.isOpen).toBe(true);
  });

  test("is not judged by those who come while it is away", () => {
    note(0, 10);
    note(50, 0);
    now += MINUTE_MS;
    expect(breaker.isOpen).toBe(true);
    note(0, 2);
    now += MINUTE_MS;
    expect(admitted()).toBe(0);
  });

  test("is judged by 200 people at most", () => {
    note(200, 0);
    note(0, 1_000);
    expect(breaker.isOpen).toBe(false);
  });
});
