import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EventStream, openEventStream } from "#test/support/event-stream.ts";
import type { Frame } from "#test/support/parse-frame.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { startTenants, type TenantStack } from "#test/support/start-tenants.ts";
import { waitFor } from "#test/support/wait.ts";

const ROLES = {
  viewer: { allow: ["order:read"] },
  owner: { allow: ["order:read@order.*.{sub}"] },
  host: { allow: ["presence:read@order.>", "order:read"] },
  counter: { allow: ["presence:count@order.>"] },
  keeper: { allow: ["presence:read", "presence:topics", "order:read"] },
};

function bindingsOf(roles: Readonly<Record<string, readonly string[]>>) {
  return Object.entries(roles).map(([role, subjects]) => ({ role, subjects }));
}

const ACME = {
  tenant: "acme",
  roles: ROLES,
  bindings: bindingsOf({
    viewer: ["amy", "ann", "ben", "bob"],
    owner: ["own"],
    host: ["hal", "han", "hub", "joe"],
    counter: ["cnt"],
    keeper: ["kim"],
  }),
  events: { "order.*": "order:read" },
};
const OTHER = { ...ACME, tenant: "other", bindings: bindingsOf({ viewer: ["zoe"], keeper: ["kim"] }) };

let services: TenantStack;
let edges: readonly RunningService[];

beforeAll(async () => {
  const people = ["amy", "ann", "ben", "bob", "own", "hal", "han", "hub", "cnt", "kim", "joe", "zoe"];
  services = await startTenants(
    [ACME, OTHER].map((document) => ({ id: document.tenant, document: JSON.stringify(document), people })),
  );
  const env = { STREAM_WORKERS: "2", REDIS_URL: services.stack.redis.streamUrl };
  edges = await Promise.all([services.stack.startEdge(env), services.stack.startEdge(env)]);
  await waitFor(
    "every worker has a lease",
    async () => (await services.stack.redis.admin("ZCARD sluice:stream:workers")) === "4",
  );
});
afterAll(() => services?.[Symbol.asyncDispose]());

function urlOf(edge = 0): string {
  return `http://127.0.0.1:${edges[edge]?.ports.http}`;
}

async function listen(person: string, topics: string, { edge = 0, tenant = "acme" } = {}): Promise<EventStream> {
  const stream = await openEventStream(`${urlOf(edge)}/v1/stream?${topics}`, {
    token: await services.sign(tenant, person),
  });
  await stream.frame("ready");
  return stream;
}

async function ask(person: string, path: string, { edge = 0, tenant = "acme" } = {}) {
  const headers = { authorization: `Bearer ${await services.sign(tenant, person)}`, connection: "close" };
  const response = await fetch(`${urlOf(edge)}/v1/presence${path}`, { headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** The same, once every worker has had the time to answer: what a busy one left out would be told as partial. */
function askAll(...question: Parameters<typeof ask>): ReturnType<typeof ask> {
  return waitFor("every worker answers", async () => {
    const answer = await ask(...question);
    return answer.body["partial"] === true ? undefined : answer;
  });
}

/** Whom an answer or a frame names. */
function names(people: unknown): string[] {
  return (people as { readonly subject: string }[]).map(({ subject }) => subject);
}

function presenceIn(frames: readonly Frame[]) {
  return frames
    .filter(({ event }) => event === "presence")
    .map(({ data }) => JSON.parse(data) as Record<string, unknown>);
}

/** Whom a client knows by its frames, as it puts them together. A number that does not follow is a fault. */
function known(stream: EventStream): string[] {
  const people = new Set<string>();
  let last: number | undefined;
  for (const { seq, snapshot, joined, left } of presenceIn(stream.frames)) {
    if (snapshot === true) people.clear();
    else if (seq !== (last ?? Number.NaN) + 1) throw new Error(`frame ${String(seq)} came behind ${String(last)}`);
    last = seq as number;
    for (const name of names(joined)) people.add(name);
    for (const name of left as string[]) people.delete(name);
  }
  return [...people].toSorted();
}

test("who listens is found on every worker of every edge, whatever pattern covers the topic", async () => {
  await using stack = new AsyncDisposableStack();
  for (const edge of [0, 1, 0, 1]) {
    stack.use(await listen("ann", "topic=order.>", { edge }));
    stack.use(await listen("bob", "topic=order.created.42", { edge }));
  }
  stack.use(await listen("own", "topic=order.>"));
  for (const edge of [0, 1]) {
    const { status, body } = await askAll("hal", "?topic=order.created.42", { edge });
    expect(status).toBe(200);
    expect(body).toMatchObject({ topic: "order.created.42", partial: false });
    expect(body["people"]).toEqual([
      { subject: "ann", since: expect.any(String), devices: 4 },
      { subject: "bob", since: expect.any(String), devices: 4 },
    ]);
  }
  expect(names((await askAll("hal", "?topic=order.created.43")).body["people"])).toEqual(["ann"]);
  expect(names((await askAll("hal", "?topic=order.*.own")).body["people"])).toEqual(["ann", "own"]);
  expect((await askAll("cnt", "?topic=order.>&count=true")).body["count"]).toEqual({ people: 3, devices: 9 });
  const first = (await askAll("hal", "?topic=order.>&limit=2")).body;
  expect(names(first["people"])).toEqual(["ann", "bob"]);
  const second = (await askAll("hal", `?topic=order.>&limit=2&cursor=${String(first["next"])}`)).body;
  expect([names(second["people"]), second["next"]]).toEqual([["own"], undefined]);
  expect(await askAll("kim", "/bob?topics=true")).toMatchObject({
    status: 200,
    body: { subject: "bob", online: true, devices: 4, topics: ["order.created.42"], partial: false },
  });
  expect((await askAll("kim", "/cnt")).body).toEqual({ subject: "cnt", online: false, devices: 0, partial: false });
});

test("what is asked is of the caller's tenant alone", async () => {
  await using _zoe = await listen("zoe", "topic=order.*.6", { tenant: "other" });
  expect((await askAll("kim", "/zoe")).body).toEqual({ subject: "zoe", online: false, devices: 0, partial: false });
  expect(names((await askAll("kim", "?topic=order.*.6")).body["people"])).not.toContain("zoe");
  expect(names((await askAll("kim", "?topic=order.*.6", { tenant: "other" })).body["people"])).toEqual(["zoe"]);
});

describe.concurrent("a stream that asks for presence", () => {
  test("is told who is there, then who comes and goes, and its position does not move", async () => {
    await using stack = new AsyncDisposableStack();
    stack.use(await listen("ann", "topic=order.*.1", { edge: 1 }));
    const hal = stack.use(await listen("hal", "topic=order.*.1&presence=order.*.1"));
    const ready = JSON.parse((await hal.frame("ready")).data) as Record<string, unknown>;
    expect(ready).toMatchObject({ presence: [{ topic: "order.*.1", granted: true }] });
    await waitFor("both are there", () => known(hal).includes("ann") && known(hal).includes("hal"));
    const bob = await listen("bob", "topic=order.*.1&topic=order.created.>", { edge: 1 });
    stack.use(await listen("ann", "topic=order.*.1"));
    stack.use(await listen("kim", "topic=order.*.1&presence=none", { edge: 1 }));
    await waitFor("bob is there", () => known(hal).includes("bob"));
    await bob[Symbol.asyncDispose]();
    await waitFor("bob is gone", () => !known(hal).includes("bob"));
    expect(known(hal)).not.toContain("kim");
    expect(presenceIn(hal.frames)[0]).toMatchObject({ snapshot: true, partial: false });
    expect(hal.frames.filter(({ event, id }) => event === "presence" && id !== undefined)).toEqual([]);
  });

  test("is told nothing while it may not see it, from the moment on in which that changes", async () => {
    await using stack = new AsyncDisposableStack();
    const han = stack.use(await listen("han", "topic=order.*.2&presence=order.*.2"));
    await waitFor("han is there", () => known(han).includes("han"));
    await services.change("PUT", "acme/subjects/han/roles", JSON.stringify({ roles: ["viewer"] }));
    const told = await han.frame(({ event, data }) => event === "subscription" && data.includes("presence"));
    expect(JSON.parse(told.data)).toMatchObject({ presence: [{ topic: "order.*.2", granted: false }] });
    const before = presenceIn(han.frames).length;
    stack.use(await listen("amy", "topic=order.*.2", { edge: 1 }));
    const other = stack.use(await listen("bob", "topic=order.*.2&presence=order.*.2"));
    expect(JSON.parse((await other.frame("ready")).data)).toMatchObject({ presence: [{ granted: false }] });
    // Another stream on the same worker or its neighbour is told meanwhile.
    const joe = stack.use(await listen("joe", "topic=order.*.2&presence=order.*.2"));
    await waitFor("amy is there", () => known(joe).includes("amy"));
    expect([presenceIn(han.frames).length, presenceIn(other.frames).length]).toEqual([before, 0]);
    await services.change("PUT", "acme/subjects/han/roles", JSON.stringify({ roles: ["host"] }));
    await waitFor("it is told again", () => known(han).includes("amy"));
    expect(presenceIn(han.frames)[before]).toMatchObject({ snapshot: true });
  });

  test("sees a person leave whose right to the topic is taken away", async () => {
    await using stack = new AsyncDisposableStack();
    stack.use(await listen("ben", "topic=order.*.3", { edge: 1 }));
    const hub = stack.use(await listen("hub", "topic=order.*.3&presence=order.*.3"));
    await waitFor("ben is there", () => known(hub).includes("ben"));
    await services.change("PUT", "acme/subjects/ben/roles", JSON.stringify({ roles: ["owner"] }));
    await waitFor("ben is gone", () => !known(hub).includes("ben"));
    expect(names((await ask("hub", "?topic=order.*.3")).body["people"])).not.toContain("ben");
    await services.change("PUT", "acme/subjects/ben/roles", JSON.stringify({ roles: ["viewer"] }));
    await waitFor("ben is back", () => known(hub).includes("ben"));
  });
});

test("a killed worker's people may not be known until its lease ends, and then have left", async () => {
  await using stack = new AsyncDisposableStack();
  const { redis } = services.stack;
  const hal = stack.use(await listen("hal", "topic=order.*.4&presence=order.*.4", { edge: 1 }));
  const streams = await Promise.all(Array.from({ length: 8 }, () => listen("ann", "topic=order.*.4")));
  for (const stream of streams) stack.use(stream);
  await waitFor("ann is there", () => known(hal).includes("ann"));
  const pids = await workerPids(edges[0]);
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await Promise.all(streams.map((stream) => stream.closed()));
  expect((await ask("kim", "?topic=order.*.4", { edge: 1 })).body).toMatchObject({ partial: true });
  expect(known(hal)).toContain("ann");
  // The leases end now, not in ten seconds.
  const dead = new Set(streams.map((stream) => String(stream.headers["x-connection-id"]).split("-")[0]));
  for (const worker of dead) await redis.admin(`ZREM sluice:stream:workers ${worker}`);
  await waitFor("ann has left", () => !known(hal).includes("ann"));
});

test("without Redis the answer is what the workers say, and says that it may not be all", async () => {
  await using _ann = await listen("ann", "topic=order.*.5", { edge: 1 });
  await services.stack.redis.stop("SIGKILL");
  const { status, body } = await ask("kim", "?topic=order.*.5", { edge: 1 });
  expect([status, body["partial"], names(body["people"])]).toEqual([200, true, ["ann"]]);
});

async function workerPids(edge: RunningService | undefined): Promise<number[]> {
  const { pid } = edge?.child.process ?? {};
  return (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ").filter(Boolean).map(Number);
}
