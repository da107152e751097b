import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EventStream, openEventStream } from "#test/support/event-stream.ts";
import { freeze, thaw } from "#test/support/freeze.ts";
import { openPolicies, type OpenPolicies } from "#test/support/open-policies.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { type Bus, type Login, type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";
import { reconcileTenant } from "../../services/policy/tenants/reconcile-tenant.ts";

const EVENT = "events.rival.issues.opened.k";

let stack: Stack;
let rival: Bus;
let policies: OpenPolicies;

beforeAll(async () => {
  stack = await startStack();
  rival = await stack.bus("rival");
  policies = await openPolicies(stack.nats.url("policy"));
});
afterAll(async () => {
  await policies[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

describe("a tenant's limit of connections", () => {
  test("turns further streams away for now, and lets them in once there is room or it is raised", async () => {
    const { access_token: token } = await stack.login("mallory", "rival");
    expect(await stack.operate("PUT", "rival/limits", { connections: 1 })).toMatchObject({ status: 200 });
    const first = await open(token);
    await first.frame("ready");
    await using second = await open(token);
    expect(JSON.parse((await second.frame("busy")).data)).toMatchObject({ reason: "tenant_streams" });
    const metrics = await (await fetch(`http://127.0.0.1:${stack.edge.ports.ops}/metrics`)).text();
    expect(metrics).toContain('sluice_stream_tenant_full_total{tenant="rival"} 1');
    await first[Symbol.asyncDispose]();
    await waitFor("there is room", () => isTaken(token));
    expect(await stack.operate("PUT", "rival/limits", {})).toMatchObject({ status: 200 });
    await using third = await waitFor("a third has room", () => take(token));
    await using fourth = await waitFor("a fourth has room", () => take(token));
    expect([third.status, fourth.status]).toEqual([200, 200]);
  });

  test("and what it uses are told", async () => {
    await rival.publish(EVENT, "one");
    expect(await stack.operate("PUT", "rival/limits", { eventsPerSecond: 5 })).toMatchObject({ status: 400 });
    await stack.carryOut("PUT", "rival/limits", { historyAgeSeconds: 3_600 });
    const { body } = await stack.operate("GET", "rival");
    expect(body).toMatchObject({
      tenant: "rival",
      state: "active",
      limits: { historyAgeSeconds: 3_600 },
      usage: {
        messages: expect.any(Number),
        bytes: expect.any(Number),
        maxBytes: 1024 ** 3,
        maxAgeSeconds: 3_600,
        lastAt: expect.stringMatching(/^20/),
      },
    });
    const listed = (await stack.operate("GET", "")).body["tenants"];
    expect(listed).toEqual([expect.objectContaining({ tenant: "demo" }), body]);
  });
});

test("a log that is gone, and nobody said that its tenant is, holds its readers until there is a new one", async () => {
  const { access_token: token } = await stack.login("mallory", "rival");
  await using stream = await open(token);
  await stream.frame("ready");
  const asked = await countResolves();
  await policies.manager.streams.delete("EVENTS_rival");
  await waitFor("policy is asked more than once", async () => (await countResolves()) > asked + 1);
  expect(stream.isClosed).toBe(false);
  await using policy = await stack.startPolicy();
  expect(JSON.parse((await stream.frame("reset")).data)).toEqual({ reason: "epoch" });
  await rival.publish(EVENT, "in the new log");
  expect(await stream.receive(1)).toEqual(["in the new log"]);
  expect(policy.child.process.exitCode).toBeNull();
});

describe("a suspended tenant", () => {
  test("loses its streams on every edge, takes no event and nobody in, and is back as it was when resumed", async () => {
    await using far = await stack.startEdge();
    const { access_token: token } = await stack.login("mallory", "rival");
    await using here = await open(token);
    await using there = await open(token, far);
    await Promise.all([here.frame("ready"), there.frame("ready")]);
    await rival.publish(EVENT, "before");
    await Promise.all([here.receive(1), there.receive(1)]);
    expect(await stack.operate("POST", "rival/suspend")).toMatchObject({ status: 200 });
    await expect(rival.publish(EVENT, "refused")).rejects.toThrow("jetstream is not enabled");
    for (const stream of [here, there]) {
      expect(JSON.parse((await stream.frame("auth_error")).data)).toEqual({ reason: "forbidden" });
      await stream.closed();
      expect(stream.events()).toEqual(["before"]);
    }
    for (const edge of [stack.edge, far]) {
      await using refused = await open(token, edge);
      expect(refused.status).toBe(403);
    }
    expect((await stack.operate("GET", "rival")).body).toMatchObject({ state: "suspended" });

    expect(await stack.operate("POST", "rival/resume")).toMatchObject({ status: 200 });
    await using again = await open(token, far, here.lastId());
    await again.frame("ready");
    await rival.publish(EVENT, "after");
    expect(await again.receive(1)).toEqual(["after"]);
    expect(again.frames.some(({ event }) => event === "reset" || event === "gap")).toBe(false);
  });
});

describe("a deleted tenant", () => {
  let login: Login;
  let lastId: string | undefined;

  test("asks for its name twice", async () => {
    for (const path of ["rival", "rival?confirm=demo", "rival?confirm"]) {
      const { status, body } = await stack.operate("DELETE", path);
      expect([status, body["detail"]]).toEqual([400, expect.stringContaining("?confirm=rival")]);
    }
  });

  test("ends its streams and sessions, and an edge that was away learns it from policy", async () => {
    await using away = await stack.startEdge();
    login = await stack.login("mallory", "rival");
    await using here = await open(login.access_token);
    await using there = await open(login.access_token, away);
    await Promise.all([here.frame("ready"), there.frame("ready")]);
    await rival.publish(EVENT, "old secret");
    await Promise.all([here.receive(1), there.receive(1)]);
    lastId = here.lastId();
    await freeze(away.child.process);
    expect(await stack.operate("DELETE", "rival?confirm=rival")).toMatchObject({ status: 202 });
    expect(JSON.parse((await here.frame("auth_error")).data)).toEqual({ reason: "forbidden" });
    await expect(rival.publish(EVENT, "refused")).rejects.toThrow("jetstream is not enabled");
    await expect(stack.login("mallory", "rival")).rejects.toThrow("401");
    await expect(refresh(login)).rejects.toThrow("401");
    await finishDeletion();
    expect((await stack.operate("GET", "rival")).status).toBe(404);
    thaw(away.child.process);
    await there.closed();
    expect(there.frames.at(-1)?.event).not.toBe("message");
    expect(there.events()).toEqual(["old secret"]);
    await using refused = await open(login.access_token);
    expect([401, 403, 404]).toContain(refused.status);
  });

  test("made anew under its name has nothing of the old: tokens, sessions, ids", async () => {
    await using away = await stack.startEdge();
    expect(await stack.operate("PUT", "rival")).toMatchObject({ status: 201 });
    expect((await stack.operate("GET", "rival/policy")).body).toMatchObject({ origin: { kind: "empty" } });
    await grantAll();
    for (const edge of [stack.edge, away]) {
      await using old = await open(login.access_token, edge);
      expect(old.status).toBe(401);
    }
    await expect(refresh(login)).rejects.toThrow("401");
    const { access_token: token } = await stack.login("mallory", "rival");
    await using fresh = await open(token, stack.edge, lastId);
    expect(JSON.parse((await fresh.frame("reset")).data)).toEqual({ reason: "epoch" });
    await rival.publish(EVENT, "new");
    expect(await fresh.receive(1)).toEqual(["new"]);
  });

  test("and made anew while an edge was away: the edge ends who it held, and delivers nothing of the new one", async () => {
    await using away = await stack.startEdge();
    const old = await stack.login("mallory", "rival");
    await using stream = await open(old.access_token, away);
    await stream.frame("ready");
    await freeze(away.child.process);
    await stack.carryOut("DELETE", "rival?confirm=rival");
    await finishDeletion();
    await stack.carryOut("PUT", "rival");
    await grantAll();
    await rival.publish(EVENT, "of the new one");
    thaw(away.child.process);
    await stream.closed();
    expect(stream.events()).toEqual([]);
    const { access_token: token } = await stack.login("mallory", "rival");
    await using fresh = await open(token, away);
    await fresh.frame("ready");
    await rival.publish(EVENT, "for the new one");
    expect(await fresh.receive(1)).toEqual(["for the new one"]);
  });
});

/** A process of policy whose clock says that the minute is over; sessions were ended by the one that answered. */
async function finishDeletion(): Promise<void> {
  const clock = { ...policies.deps.clock, wall: () => Date.now() + 61_000 };
  await reconcileTenant({ ...policies.deps, clock }, "rival");
}

/** How often policy has been asked for a grant. */
async function countResolves(): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${stack.policy.ports.ops}/metrics`)).text();
  return Number(/^sluice_policy_resolves_total (\d+)/m.exec(metrics)?.[1]);
}

/** The document's file does not bring a deleted tenant back. */
async function grantAll(): Promise<void> {
  const document = {
    tenant: "rival",
    roles: { all: { allow: ["*:*"] } },
    bindings: [{ role: "all", subjects: ["mallory"] }],
    events: { "issues.*": "issues:read" },
  };
  expect(await stack.operate("PUT", "rival/policy", document)).toMatchObject({ status: 200 });
}

function open(token: string, edge: RunningService = stack.edge, lastEventId?: string): Promise<EventStream> {
  const url = `http://127.0.0.1:${edge.ports.http}/v1/stream?topic=issues.>`;
  return openEventStream(url, { token, ...(lastEventId === undefined ? {} : { lastEventId }) });
}

async function isTaken(token: string): Promise<boolean> {
  const stream = await take(token);
  await stream?.[Symbol.asyncDispose]();
  return stream !== undefined;
}

/** The stream, or undefined where there is no room. */
async function take(token: string): Promise<EventStream | undefined> {
  const stream = await open(token);
  if ((await stream.frame(({ event }) => event === "ready" || event === "busy")).event === "ready") return stream;
  await stream[Symbol.asyncDispose]();
  return undefined;
}

async function refresh({ refresh_token }: Login): Promise<void> {
  const response = await fetch(`${stack.authUrl}/v1/auth/refresh`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ refresh_token }),
  });
  if (!response.ok) throw new Error(`the refresh was answered ${response.status}`);
}
