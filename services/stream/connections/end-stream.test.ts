import { afterEach, describe, expect, test } from "vitest";
import { createRig as createEdgeRig, type EdgeRig, LIVE, NO_HISTORY } from "#test/rigs/edge-rig.ts";
import { silentObserver } from "#test/rigs/silent-observer.ts";
import { waitFor } from "#test/support/wait.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { resetLog } from "../deliver.ts";
import { openStream } from "../open-stream.ts";
import { drain, endStreamsOfKey } from "./end-streams.ts";
import { createKeepAlive } from "./keep-alive.ts";
import type { Lifetimes } from "./lifetimes.ts";

interface Rig extends EdgeRig {
  /** Why streams ended, in order. */
  readonly ended: string[];
  /** The read of history that is under way. */
  readonly reading: PromiseWithResolvers<[]>;
}
type Client = Awaited<ReturnType<Rig["open"]>>;

/** Longer than whatever else ends a stream here. */
const SESSION_MS = 600_000;

const FOR_EVER: Lifetimes = { idleMs: Infinity, idleEndMs: Infinity, maxAgeMs: Infinity };

const rigs: Rig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig[Symbol.asyncDispose]();
});

/** An edge that counts why streams end, and whose history is read when the test says so. */
function createRig(): Rig {
  const ended: string[] = [];
  const reading = Promise.withResolvers<[]>();
  // A read that nobody waits for any more may fail.
  reading.promise.catch(() => {});
  const observer = silentObserver({ ended: (reason) => void ended.push(reason), fault: () => {} });
  const history = { ...NO_HISTORY, after: () => reading.promise };
  const rig = { ...createEdgeRig({ history, observer }), ended, reading };
  rig.auth.answer = { ...LIVE, remainingMs: SESSION_MS };
  rigs.push(rig);
  return rig;
}

/** Moments of a stream's life, and how it gets there. */
const moments = {
  async "while it is live"(rig: Rig) {
    const client = await rig.open();
    await waitFor("it is live", () => readers(rig).every(({ isLive }) => isLive));
    return client;
  },
  async "while it catches up"(rig: Rig) {
    const client = await rig.open("topic=order.>", "first-epoch.0.0");
    await waitFor("it reads the history", () => readers(rig).every(({ wait }) => wait?.for === "history"));
    return client;
  },
  async "while it is held"(rig: Rig) {
    const client = await rig.open();
    const { asked } = rig.policy.hold();
    rig.policy.version += 1;
    rig.control({ of: "policy", entry: { ...rig.entry(), roles: [], subjects: ["alice"] } });
    await asked;
    await waitFor("it is held", () => readers(rig).every(({ wait }) => wait?.for === "authorization"));
    return client;
  },
};

type Moment = keyof typeof moments;

interface Reason {
  readonly reason: string;
  readonly happens: (rig: Rig, client: Client) => void;
  /** What observers count. */
  readonly counted: string;
  /** What the client is sent, where it can be told. */
  readonly frame?: string;
  /** Those behind are reset at once: what waits for them is not to reach them. */
  readonly isToldLiveOnly?: boolean;
  /** What a handshake under way is refused with. */
  readonly refused?: string;
  readonly only?: Moment;
}

const reasons: readonly Reason[] = [
  {
    reason: "the edge drains",
    happens: (rig) => void drain(rig.edge.admission, rig.edge.hub, 0),
    counted: "drain",
    frame: "bye",
    refused: "unavailable",
  },
  {
    reason: "the client takes nothing",
    happens(rig, client) {
      client.stopReading();
      client.connection.write(Buffer.alloc(32_000_000, ":\n"));
      const look = createKeepAlive(rig.edge.hub, rig.edge);
      const timer = setInterval(() => {
        rig.clock.now += 5_000;
        void look();
      }, 20);
      void client.connection.closed.then(() => clearInterval(timer));
    },
    counted: "slow",
  },
  {
    reason: "it has had no event for long",
    happens(rig) {
      rig.clock.now += 111_000;
      void createKeepAlive(rig.edge.hub, { ...rig.edge, lifetimes: { ...FOR_EVER, idleEndMs: 100_000 } })();
    },
    counted: "idle",
    frame: "bye",
  },
  {
    reason: "it is old enough",
    happens(rig) {
      rig.clock.now += 111_000;
      void createKeepAlive(rig.edge.hub, { ...rig.edge, lifetimes: { ...FOR_EVER, maxAgeMs: 100_000 } })();
    },
    counted: "max_age",
    frame: "bye",
  },
  {
    reason: "it has had no event for a minute, and the edge is overloaded",
    happens(rig) {
      rig.load.now = { loopDelayMs: 0, memory: 0.95, descriptors: 0 };
      for (let look = 0; look < 3; look += 1) {
        rig.clock.now += 30_000;
        rig.edge.overload.look();
      }
      void createKeepAlive(rig.edge.hub, rig.edge)();
    },
    counted: "overload",
    frame: "bye",
  },
  {
    reason: "its time is over",
    happens(rig) {
      rig.clock.now += SESSION_MS;
      void createKeepAlive(rig.edge.hub, rig.edge)();
    },
    counted: "expired",
    frame: "auth_error",
  },
  {
    reason: "its session is revoked",
    happens: (rig) => rig.control({ of: "session", entry: { sid: "session-1", action: "revoked" } }),
    counted: "revoked",
    frame: "auth_error",
    isToldLiveOnly: true,
    refused: "session_ended",
  },
  {
    reason: "auth finds its session revoked",
    happens(rig) {
      rig.auth.answer = { state: "revoked" };
      rig.control({ of: "session", entry: { sub: "alice", action: "changed" } });
      const look = createKeepAlive(rig.edge.hub, rig.edge);
      void waitFor("it is known", () => (void look(), rig.edge.hub.size === 0)).catch(() => {});
    },
    counted: "revoked",
    refused: "session_ended",
  },
  {
    reason: "its tenant is suspended",
    happens: (rig) => rig.control({ of: "tenant", entry: { state: "suspended" } }),
    counted: "forbidden",
    frame: "auth_error",
    isToldLiveOnly: true,
    refused: "forbidden",
  },
  {
    reason: "its token's key is withdrawn",
    happens(rig) {
      rig.withdrawn.add("key-1");
      endStreamsOfKey(rig.edge.hub, "key-1");
    },
    counted: "revoked",
    frame: "auth_error",
    isToldLiveOnly: true,
    refused: "token_invalid",
  },
  {
    reason: "its log begins anew, and policy knows the tenant no more",
    happens(rig) {
      rig.policy.refusal = new AppError("tenant_unknown", "there is no such tenant");
      const horizon = { seq: 0, tag: "0" };
      resetLog(rig.tenant, { epoch: "second", horizon, policy: undefined, relation: "epoch" }, rig.edge);
    },
    counted: "forbidden",
    only: "while it is live",
  },
  { reason: "its client leaves", happens: (_rig, client) => client.leave(), counted: "gone" },
  {
    reason: "it fails",
    happens: (rig) => rig.reading.reject(new Error("the history cannot be read")),
    counted: "fault",
    only: "while it catches up",
  },
];

const matrix = reasons.flatMap((reason) =>
  (Object.keys(moments) as Moment[])
    .filter((moment) => reason.only === undefined || reason.only === moment)
    .map((moment) => ({ ...reason, moment })),
);

describe("a stream", () => {
  test.each(matrix)("$moment ends when $reason, says why at most once, and gives all back", async (row) => {
    const rig = createRig();
    const client = await moments[row.moment](rig);
    row.happens(rig, client);
    await waitFor("it is counted", () => rig.ended.length > 0);
    expect(rig.ended).toEqual([row.counted]);
    expect(held(rig)).toEqual(NOTHING);
    // A client that takes nothing does not take its end either.
    if (row.counted !== "slow") await client.ended();
    const isTold = row.frame !== undefined && (row.isToldLiveOnly !== true || row.moment === "while it is live");
    const farewells = client.raw().match(/event: (bye|auth_error)\ndata: .*/g) ?? [];
    const farewell: unknown = expect.stringMatching(`event: ${row.frame}\ndata: .*"reason":"${row.counted}"`);
    expect(farewells).toEqual(isTold ? [farewell] : farewells.slice(0, 1));
  });

  const refusals = reasons.flatMap(({ reason, happens, refused }) =>
    refused === undefined ? [] : [{ reason, happens, refused }],
  );

  test.each(refusals)(
    "that is being opened is refused when $reason, and leaves nothing behind",
    async ({ happens, refused }) => {
      const rig = createRig();
      const session = rig.holdSession();
      const opening = openStream(rig.edge, rig.request());
      await session.asked;
      happens(rig, undefined as never);
      session.answer(LIVE);
      // A request of the rig's that is accepted throws another code.
      await expect(opening).rejects.toMatchObject({ code: refused });
      expect(held(rig)).toEqual(NOTHING);
      expect(rig.ended).toEqual([]);
    },
  );
});

const NOTHING = { places: 0, streams: 0, registrations: 0, audiences: 0 };

/** What the edge holds for streams. */
function held({ edge, tenant }: Rig): typeof NOTHING {
  const { admission, hub } = edge;
  const audiences = [...tenant.audiences].length;
  return { places: admission.open, streams: hub.size, registrations: tenant.registrations.size, audiences };
}

function readers({ edge }: Rig) {
  return [...edge.hub.streams()].map(({ reader }) => reader);
}
