import { describe, expect, test } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { type AuthWorld, createAuthWorld, type Fault } from "#test/rigs/auth-world.ts";
import { type KeyRing } from "./keys/key-ring.ts";
import { openKeyRing, type StoredRing } from "./keys/follow-key-ring.ts";
import { createSealer } from "./keys/seal.ts";
import { createSessionCheck } from "./sessions/check-sessions.ts";
import { createClientAuthentication, createClientTokenIssuer } from "./sessions/issue-client-token.ts";
import { createLogIn } from "./sessions/log-in.ts";
import { createRefreshSession } from "./sessions/refresh-session.ts";
import { createAccessRenewal } from "./sessions/renew-access.ts";
import { createSessionRevoker } from "./sessions/revoke-session.ts";
import { createTokenSearch } from "./sessions/find-token.ts";
import { formatRefreshToken } from "./tokens/refresh-token.ts";
import { createUserChangeSteps } from "./sessions/user-change-steps.ts";

/** How much later whoever was told "not now" comes again: long after a spent token may come back. */
const LATER_MS = 60_000;

const KEY = Buffer.alloc(32, "refresh");

/** An operation of auth that changes something, as docs/how-it-works/writes.md has it. */
interface Operation {
  readonly name: string;
  /** Its steps in their order; those marked with `?` may fail without failing the operation. */
  readonly steps: readonly string[];
  /** Prepares the world, and answers the operation. It gives `ok`, or the code of its refusal. */
  readonly prepare: (world: AuthWorld) => () => Promise<unknown>;
  /** What it answers when nothing fails; `ok` unless it says otherwise. */
  readonly outcome?: string;
  /** What holds once it was answered for good, however often it was "not now" before. */
  readonly becomes: (world: AuthWorld) => void;
}

const origin = { address: "192.0.2.1", device: "curl" };

function refreshOf(world: AuthWorld, sid: string, generation: number): () => Promise<unknown> {
  const { findSubject, revoke } = { findSubject: world.users.find, revoke: createSessionRevoker(world) };
  const refresh = createRefreshSession({ ...world, findSubject, revoke });
  return () => refresh({ family: sid, generation }, origin);
}

const operations: readonly Operation[] = [
  {
    name: "log in",
    steps: [
      "throttle.admit",
      "users.authenticate",
      "tokens.issue",
      "sessions.create",
      "throttle.forget?",
      "revocations.includes?",
      "sessions.beyond?",
    ],
    prepare(world) {
      const revoke = createSessionRevoker(world);
      const logIn = createLogIn({ ...world, revoke, keys: { refresh: [KEY] }, sessionSeconds: 3_600 });
      return () => logIn({ tenant: "acme", username: "ann", password: "secret" }, origin);
    },
    becomes: ({ liveSessions }) => expect(liveSessions()).toBe(1),
  },
  {
    name: "client credentials",
    steps: [
      "throttle.admit",
      "clients.authenticate",
      "throttle.forget?",
      "tokens.issue",
      "sessions.create",
      "clients.confirm",
    ],
    prepare(world) {
      const authenticate = createClientAuthentication(world.clients, world.throttle);
      const issue = createClientTokenIssuer({ ...world, accessTokenSeconds: 300 });
      return async () => issue(await authenticate({ clientId: "job", secret: "secret", ...origin }), origin);
    },
    becomes: ({ liveSessions }) => expect(liveSessions()).toBe(1),
  },
  {
    name: "refresh",
    steps: ["sessions.peek", "revocations.includes", "tokens.issue", "sessions.rotate"],
    prepare: (world) => refreshOf(world, world.logIn(), 1),
    becomes({ state, liveSessions }) {
      expect(liveSessions()).toBe(1);
      expect([...state.stored.values()].map(({ generation }) => generation)).toEqual([2]);
    },
  },
  {
    name: "refresh with a stolen token",
    steps: [
      "sessions.peek",
      "sessions.rotate",
      "revocations.isSettled",
      "revocations.record",
      "log.announce",
      "sessions.end?",
      "revocations.settle?",
    ],
    prepare: (world) => refreshOf(world, world.logIn(3), 1),
    outcome: "token_reused",
    becomes({ state }) {
      expect(state.revoked).toEqual(new Set(["S1"]));
      expect(state.announced).toContain("S1");
    },
  },
  {
    name: "refresh of a user who is gone",
    steps: [
      "sessions.peek",
      "revocations.isSettled",
      "revocations.record",
      "log.announce",
      "sessions.end?",
      "revocations.settle?",
    ],
    prepare(world) {
      world.state.isUserThere = false;
      return refreshOf(world, world.logIn(), 1);
    },
    outcome: "session_ended",
    becomes: ({ state }) => expect(state.announced).toContain("S1"),
  },
  {
    name: "logout, revoke, delete a session",
    steps: ["revocations.isSettled", "revocations.record", "log.announce", "sessions.end?", "revocations.settle?"],
    prepare(world) {
      const revoke = createSessionRevoker(world);
      const session = { tenant: "acme", sid: world.logIn(), subject: "ann", loginAt: "2026-01-01T00:00:00Z" };
      return () => revoke(session, { reason: "logout" });
    },
    becomes({ state }) {
      expect(state.revoked).toEqual(new Set(["S1"]));
      expect(state.announced).toContain("S1");
    },
  },
  {
    name: "introspect a refresh token",
    steps: ["sessions.find", "revocations.includes"],
    prepare(world) {
      const family = world.logIn();
      const find = createTokenSearch({
        ...world,
        findSubject: world.users.find,
        verify: () => Promise.reject(new AppError("token_invalid", "it is no access token")),
        parseRefreshToken: () => ({ family, generation: 1 }),
      });
      return () => find("");
    },
    becomes: ({ liveSessions }) => expect(liveSessions()).toBe(1),
  },
  {
    name: "prolong a stream",
    steps: ["revocations.includes", "sessions.touch"],
    prepare(world) {
      const check = createSessionCheck({
        ...world,
        findSubject: world.users.find,
        keys: { jwks: { keys: [] } },
        accessTokenSeconds: 300,
      });
      const question = { tenant: "acme", sid: world.logIn(), subject: "ann", tokenExpiresAt: 0, extend: true };
      return () => check([question]);
    },
    becomes: ({ liveSessions }) => expect(liveSessions()).toBe(1),
  },
  {
    name: "renew the access token of a handshake",
    steps: ["sessions.renew", "revocations.includes", "tokens.issue"],
    prepare(world) {
      const keys = { refresh: [KEY] as const };
      const deps = { ...world, findSubject: world.users.find, revoke: createSessionRevoker(world), keys };
      const renew = createAccessRenewal({ ...deps, accessTokenSeconds: 300 });
      const token = formatRefreshToken({ family: world.logIn(), generation: 1 }, KEY);
      return () => renew(token, "stream");
    },
    becomes: ({ state }) => expect(state.stored.get("S1")?.generation).toBe(1),
  },
];

/** `ok`, or the code of the refusal. */
async function outcomeOf(run: () => Promise<unknown>): Promise<string> {
  return run().then(
    () => "ok",
    (error: unknown) => toAppError(error).code,
  );
}

/** Each step that can fail, before and after it acted. */
function faultsOf({ steps }: Operation): (Fault & { readonly isTolerated: boolean })[] {
  return steps.flatMap((each) => {
    const step = each.replace("?", "");
    return [false, true].map((isDone) => ({ step, isDone, isTolerated: each.endsWith("?") }));
  });
}

describe.each(operations)("$name", (operation) => {
  const { steps, prepare, outcome = "ok", becomes } = operation;

  test("takes its steps in this order", async () => {
    const world = createAuthWorld();
    expect(await outcomeOf(prepare(world))).toBe(outcome);
    expect(world.state.steps).toEqual(steps.map((step) => step.replace("?", "")));
    becomes(world);
  });

  test.each(faultsOf(operation))(
    "while $step fails (after it acted: $isDone) is told so, and is the same a minute later",
    async ({ isTolerated, ...fault }) => {
      const world = createAuthWorld();
      const run = prepare(world);
      world.state.fault = fault;
      expect(await outcomeOf(run)).toBe(isTolerated ? outcome : "unavailable");
      if (isTolerated) return becomes(world);
      // Longer than the throttle would bear: whoever is told "not now" is not shut out for trying.
      for (let again = 0; again < 12; again++) expect(await outcomeOf(run)).toBe("unavailable");
      expect(world.state.attempts).toBe(0);
      world.state.fault = undefined;
      world.state.now += LATER_MS;
      expect(await outcomeOf(run)).toBe(outcome);
      becomes(world);
    },
  );
});

describe("a change of the users' file", () => {
  const steps = ["log.announce", "sessions.ofSubject", "revocations.record", "sessions.end"];

  test.each(steps)("while %s fails is tried again step by step, until all of it is done", async (step) => {
    const world = createAuthWorld();
    const sid = world.logIn();
    const stepsOf = createUserChangeSteps({ ...world, revoke: createSessionRevoker(world) });
    let left = stepsOf({ kind: "gone", tenant: "acme", username: "ann" });
    for (const isDone of [false, true, undefined]) {
      world.state.fault = isDone === undefined ? undefined : { step, isDone };
      const outcomes = await Promise.all(left.map(outcomeOf));
      left = left.filter((_, place) => outcomes[place] === "unavailable");
    }
    expect(left).toEqual([]);
    expect(world.state.announced).toEqual(expect.arrayContaining(["ann", sid]));
    expect(world.state.revoked).toEqual(new Set([sid]));
    expect(world.state.entries.map(({ event }) => event)).toContain("user_disabled");
  });
});

describe("a rotation of the signing key", () => {
  const plan = { algorithm: "ES256", rotationMs: 1_000, publishMs: 100, keepMs: 1e9 } as const;

  test.each(["read", "replace", "replace, after it acted"])(
    "while %s fails changes nothing, and comes",
    async (step) => {
      let stored: StoredRing = { ring: undefined, revision: 0 };
      let failing: string | undefined;
      const fail = (name: string): void => {
        if (failing === name) throw new Error(`${name} is away`);
      };
      const store = {
        async read() {
          fail("read");
          return stored;
        },
        async replace(ring: KeyRing, revision: number) {
          fail("replace");
          if (revision !== stored.revision) return false;
          stored = { ring, revision: revision + 1 };
          fail("replace, after it acted");
          return true;
        },
      };
      const { clock, state } = createAuthWorld();
      const log = createLogger("test", "silent");
      const keys = await openKeyRing({ store, sealer: createSealer(KEY), plan, clock, log, isDemo: false });
      const { kid } = keys.signing;
      state.now += 2_000;
      failing = step;
      await keys.update();
      expect([keys.signing.kid, keys.fault]).toEqual([kid, expect.stringContaining("is away")]);
      failing = undefined;
      await keys.update();
      expect(keys.signing.kid).not.toBe(kid);
      expect(keys.ring.retired.map((key) => key.kid)).toEqual([kid]);
    },
  );
});
