import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_LISTED, type Present, type PresenceNews, SentPeople } from "./presence-news.ts";
import { type PresenceFrame, WatchedPeople } from "./watched-people.ts";

const SINCE = 1_700_000_000_000;

function present(...subjects: readonly string[]): Present {
  return { people: new Map(subjects.map((subject) => [subject, SINCE])), devices: subjects.length };
}

function many(devices: number): Present {
  return { people: undefined, devices };
}

/** A worker that tells `watched` what it must. */
function createWorker(id: string, watched: WatchedPeople) {
  let sent = new SentPeople(`run of ${id}`);
  const apply = (news: PresenceNews | undefined): boolean => news !== undefined && watched.apply(id, news);
  return {
    send: (now: Present): boolean => apply(sent.change(now)),
    lose: (now: Present): void => void sent.change(now),
    sendAll: (): boolean => apply(sent.whole()),
    isUpToDate: (): boolean => sent.isUpToDate(watched.known[id]),
    startOver: (now: Present): boolean => apply((sent = new SentPeople(`later run of ${id}`)).change(now)),
  };
}

function setUp() {
  const watched = new WatchedPeople("order.*");
  return { watched, one: createWorker("w1", watched), two: createWorker("w2", watched) };
}

const namesIn = (frame: PresenceFrame | undefined) => frame?.joined.map(({ subject }) => subject);

describe("frames of a watched topic", () => {
  test("say who came and went, numbered without a gap, and nothing where nobody did", () => {
    const { watched, one } = setUp();
    one.send(present("ann"));
    expect(watched.next(0, true)).toEqual({
      topic: "order.*",
      seq: 1,
      joined: [{ subject: "ann", since: new Date(SINCE).toISOString() }],
      left: [],
      partial: false,
    });
    one.send(present("bob"));
    expect(watched.next(0, true)).toMatchObject({ seq: 2, joined: [{ subject: "bob" }], left: ["ann"] });
    expect(watched.next(0, true)).toBeUndefined();
    expect(watched.snapshot()).toMatchObject({ seq: 2, snapshot: true, joined: [{ subject: "bob" }], left: [] });
  });

  test("have a person once who is on two workers, until the last of them lets go", () => {
    const { watched, one, two } = setUp();
    one.send(present("ann"));
    two.send(present("ann"));
    expect(namesIn(watched.next(0, true))).toEqual(["ann"]);
    const earlier = { people: new Map([["ann", SINCE - 5]]), devices: 1 };
    const later = { people: new Map([["ann", SINCE + 5]]), devices: 1 };
    const both = new WatchedPeople("order.*");
    createWorker("w1", both).send(earlier);
    createWorker("w2", both).send(later);
    expect(both.next(0, true)?.joined).toEqual([{ subject: "ann", since: new Date(SINCE - 5).toISOString() }]);
    one.send(present());
    expect(watched.next(0, true)).toBeUndefined();
    two.send(present());
    expect(watched.next(0, true)).toMatchObject({ left: ["ann"] });
  });

  test("list 200 people, and count connections from one more on until half of them are left", () => {
    const { watched, one, two } = setUp();
    const names = Array.from({ length: MAX_LISTED }, (_, index) => `p${index}`);
    one.send(present(...names));
    expect(watched.next(0, true)).not.toHaveProperty("devices");
    two.send(present("one more"));
    expect(watched.next(0, true)).toMatchObject({ snapshot: true, joined: [], left: [], devices: MAX_LISTED + 1 });
    two.send(present());
    expect(watched.next(0, true)).toMatchObject({ devices: MAX_LISTED });
    one.send(present(...names.slice(MAX_LISTED / 2)));
    expect(namesIn(watched.next(0, true))).toHaveLength(MAX_LISTED / 2);
    one.send(many(20_000));
    expect(watched.next(0, true)).toMatchObject({ devices: 20_000 });
    one.send(many(20_001));
    expect(watched.next(0, true)).toMatchObject({ devices: 20_001 });
  });

  test("say that they are partial while a worker that lives has told nothing for a second", () => {
    const { watched, one, two } = setUp();
    one.send(present("ann"));
    expect(watched.setLive(new Set(["w1", "w2"]), 0)).toBe(true);
    expect([watched.isSettled(999), watched.isSettled(1_000)]).toEqual([false, true]);
    expect(watched.next(999, true)).toMatchObject({ partial: false });
    expect(watched.next(1_000, true)).toMatchObject({ joined: [], partial: true });
    two.send(present());
    expect(watched.next(1_001, true)).toMatchObject({ joined: [], partial: false });
    expect(watched.next(1_001, false)).toMatchObject({ partial: true });
  });
});

describe("news", () => {
  test("that are missing are noticed, what was known stays, and all is asked for", () => {
    const { watched, one } = setUp();
    one.send(present("ann"));
    watched.next(0, true);
    one.lose(present("ann", "bob"));
    expect(one.send(present("bob"))).toBe(true);
    expect(watched.next(0, true)).toBeUndefined();
    expect(one.isUpToDate()).toBe(false);
    expect(one.sendAll()).toBe(false);
    expect(watched.next(0, true)).toMatchObject({ joined: [{ subject: "bob" }], left: ["ann"] });
    expect(one.isUpToDate()).toBe(true);
  });

  test("of another run, or that come twice or late, change nothing but by the list of all", () => {
    const { watched, one } = setUp();
    one.send(present("ann"));
    const [first, second] = [new SentPeople("another"), new SentPeople("another")];
    first.change(present());
    expect(watched.apply("w1", first.change(present("eve")) as PresenceNews)).toBe(true);
    expect(namesIn(watched.next(0, true))).toEqual(["ann"]);
    expect(watched.apply("w1", second.change(present("bob")) as PresenceNews)).toBe(false);
    watched.next(0, true);
    const late = second.change(present("bob", "cy")) as PresenceNews;
    watched.apply("w1", late);
    expect([watched.apply("w1", late), namesIn(watched.next(0, true))]).toEqual([false, ["cy"]]);
  });

  test("of a worker that begins again replace what it told", () => {
    const { watched, one } = setUp();
    one.send(present("ann"));
    watched.next(0, true);
    one.startOver(present("bob"));
    expect(watched.next(0, true)).toMatchObject({ joined: [{ subject: "bob" }], left: ["ann"] });
  });

  test("of any workers, lost, doubled and repaired in any order, end with who is there", () => {
    const step = fc.record({
      worker: fc.constantFrom("w1", "w2", "w3"),
      people: fc.subarray(["a", "b", "c", "d"]),
      isLost: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const watched = new WatchedPeople("order.*");
        const workers = new Map(["w1", "w2", "w3"].map((id) => [id, createWorker(id, watched)]));
        const there = new Map<string, readonly string[]>();
        const client = new Set<string>();
        const take = (): void => {
          const frame = watched.next(0, true);
          for (const name of frame?.left ?? []) client.delete(name);
          for (const name of namesIn(frame) ?? []) client.add(name);
        };
        for (const { worker, people, isLost } of steps) {
          there.set(worker, people);
          if (isLost) workers.get(worker)?.lose(present(...people));
          else workers.get(worker)?.send(present(...people));
          take();
        }
        for (const worker of workers.values()) if (!worker.isUpToDate()) worker.sendAll();
        take();
        expect([...client].toSorted()).toEqual([...new Set([...there.values()].flat())].toSorted());
      }),
    );
  });
});

describe("a worker", () => {
  test("whose lease is over is asked once more, and has left when it says nothing for a second", () => {
    const { watched, one, two } = setUp();
    one.send(present("ann"));
    two.send(present("bob"));
    watched.next(0, true);
    expect(watched.setLive(new Set(["w1"]), 0)).toBe(true);
    expect([one.isUpToDate(), two.isUpToDate()]).toEqual([true, false]);
    watched.dropSuspects(999);
    expect(watched.next(999, true)).toBeUndefined();
    watched.dropSuspects(1_000);
    expect(watched.next(1_000, true)).toMatchObject({ left: ["bob"] });
  });

  test("that answers stays, with a lease or without", () => {
    const { watched, one } = setUp();
    one.send(present("ann"));
    watched.setLive(new Set(), 0);
    one.sendAll();
    watched.dropSuspects(2_000);
    expect(namesIn(watched.next(2_000, true))).toEqual(["ann"]);
  });

  test("is suspected now and then where nobody knows who lives, and this one is not", () => {
    const { watched, one, two } = setUp();
    one.send(present("ann"));
    two.send(present("bob"));
    watched.next(0, true);
    watched.suspectAll("w1", 0);
    watched.dropSuspects(1_000);
    expect(watched.next(1_000, true)).toMatchObject({ left: ["bob"] });
  });
});
