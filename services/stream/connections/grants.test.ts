import { afterEach, describe, expect, test } from "vitest";
import { waitFor } from "#test/support/wait.ts";
import { STILL_VALID } from "../access/grant.ts";
import type { EventEntry } from "../event.ts";
import { createRig as createEdgeRig, type EdgeRig } from "#test/rigs/edge-rig.ts";
import { startKeepAlive } from "./keep-alive.ts";
import { authorizeEvent, awaitVerdict } from "../access/authorize-event.ts";
import { Registration } from "../access/registration.ts";

const rigs: EdgeRig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig[Symbol.asyncDispose]();
});

function createRig(): EdgeRig {
  const rig = createEdgeRig();
  rigs.push(rig);
  return rig;
}

describe("a grant that a version has ended", () => {
  test("goes on with what was decided before that version", async () => {
    const { rig, registration, verdict } = await registeredPerson();
    await rig.tenant.decisions.ask(registration.grant!, "order:read");
    rig.policy.version = 2;
    rig.control({ of: "policy", entry: { version: 2, build: "b2", subjects: ["alice"] } });
    registration.invalidateGrant({ through: 1, endedBy: { number: 2, build: "b2" } });
    expect(verdict()).toBe("allowed");
  });

  test("says nothing with what was decided by that version: neither of the two versions might allow it", async () => {
    const { rig, registration, verdict } = await registeredPerson();
    rig.policy.version = 2;
    rig.control({ of: "policy", entry: { version: 2, build: "b2", subjects: ["alice"] } });
    registration.invalidateGrant({ through: 1, endedBy: { number: 2, build: "b2" } });
    await rig.tenant.decisions.ask(registration.grant!, "order:read");
    expect(verdict()).toBe("undecided");
  });

  test("says nothing with the event map of that version", async () => {
    const { rig, registration, verdict } = await registeredPerson();
    await rig.tenant.decisions.ask(registration.grant!, "order:read");
    rig.policy.version = 2;
    rig.control({ of: "policy", entry: { version: 2, build: "b2", subjects: ["alice"] } });
    registration.invalidateGrant({ through: 1, endedBy: { number: 2, build: "b2" } });
    await rig.tenant.decisions.resolve({ id: "bob", roles: [], groups: [] });
    expect(verdict()).toBe("undecided");
    const decided = awaitVerdict(rig.tenant.decisions, registration, registration.grant!, ORDER, rig.edge.retries);
    registration.setGrant(registration.grant!, { through: STILL_VALID }, Number.POSITIVE_INFINITY);
    await decided;
    expect(verdict()).toBe("allowed");
  });
});

describe("a grant that ends by the clock", () => {
  test("delivers up to its last millisecond and nothing from then on, also while policy is away", async () => {
    const rig = createRig();
    rig.policy.remainingMs = 5_000;
    const client = await rig.open();
    rig.clock.now += 4_999;
    rig.event("in time");
    await waitFor("the event", () => client.events().length === 1);
    const held = rig.policy.hold();
    rig.clock.now += 1;
    rig.event("too late");
    using _heart = startKeepAlive(rig.edge.hub, rig.edge);
    await held.asked;
    rig.event("nor this");
    expect(client.events()).toEqual(["in time"]);
    rig.policy.allow = [];
    rig.policy.grantId = "nothing";
    held.release();
    await client.frame("subscription");
    expect(client.events()).toEqual(["in time"]);
  });

  test("is asked for again, and goes on without loss where another lasts longer", async () => {
    const rig = createRig();
    rig.policy.remainingMs = 5_000;
    const client = await rig.open();
    rig.clock.now += 5_000;
    rig.policy.remainingMs = undefined;
    rig.event("held");
    using _heart = startKeepAlive(rig.edge.hub, rig.edge);
    await waitFor("the held event", () => client.events().length === 1);
    rig.event("live");
    await waitFor("the live event", () => client.events().length === 2);
    expect(rig.policy.resolved).toBe(2);
  });

  test("is asked for again when the clock jumped", async () => {
    const rig = createRig();
    rig.policy.remainingMs = 50_000;
    const client = await rig.open();
    rig.policy.remainingMs = undefined;
    rig.clock.wallAhead += 3_600_000;
    rig.event("held");
    await waitFor("the event", () => client.events().length === 1);
    expect(rig.policy.resolved).toBe(2);
  });
});

test("a grant that ends by the clock is asked for again when the clock jumped while policy was asked", async () => {
  const rig = createRig();
  rig.policy.remainingMs = 50_000;
  const held = rig.policy.hold();
  const opening = rig.open();
  await held.asked;
  rig.clock.wallAhead += 3_600_000;
  rig.edge.checkClock();
  held.release();
  const client = await opening;
  rig.event("behind it");
  await waitFor("the event", () => client.events().length === 1);
  expect(rig.policy.resolved).toBe(2);
});

/** A registration that is judged by hand, with a grant and the event map of version 1. */
async function registeredPerson() {
  const rig = createRig();
  const subject = { id: "alice", roles: [], groups: [] };
  const identity = { tenant: "acme", sid: "s", subject, kid: "", tokenExpiresAt: 4_000_000_000, isOutside: false };
  const registration = new Registration(identity, ["order.>"], "w-1");
  const { grant } = await rig.tenant.decisions.resolve(subject);
  registration.setGrant(grant, { through: STILL_VALID }, Number.POSITIVE_INFINITY);
  const verdict = () => authorizeEvent(rig.tenant.decisions, ORDER, grant, registration.grantEndedBy);
  return { rig, registration, verdict };
}

const ORDER: EventEntry = {
  kind: "event",
  position: { seq: 1, tag: "t1" },
  topic: "order.created.1",
  type: "order.created",
  payload: Buffer.from("text"),
  storedAt: 0,
  attributes: {},
  frames: new Map(),
};
