import { jetstream } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AUDIT_STREAM } from "#shared/contract/audit-log.ts";
import { connectionSubject, CONNECTIONS_STREAM } from "#shared/contract/connection-log.ts";
import { nanosOf, tagOf } from "#shared/contract/event-tag.ts";
import { formatEventId } from "#shared/protocol/event-id.ts";
import { ASK_EDGES, type EdgeQuestion, type EdgeAnswer } from "#shared/contract/edge-questions.ts";
import { openConnection } from "#test/rigs/open-connection.ts";
import { readAudit } from "#test/support/start-auth.ts";
import { ACME_DOCUMENT, type PolicyStack, startPolicyStack } from "#test/support/start-policy.ts";
import { type Bus, openBus } from "#test/support/start-stack.ts";

const PATH = "/v1/tenants/acme/connections";

const EVENTS = "/v1/tenants/acme/events";

/** An administrator who may not read payloads, too. */
const DOCUMENT = ACME_DOCUMENT.replace("roles:", `roles:\n  keeper: { allow: ["policy:admin"] }`).replace(
  "bindings:",
  "bindings:\n  - { role: keeper, subjects: [dave] }",
);

/** What the two workers hold, the second of them cut to one stream an answer. */
const HELD = {
  w1: ["a", "b", "c"].map((name) => openConnection({ id: `w1-${name}` })),
  w2: [openConnection({ id: "w2-a", subject: "bob" }), openConnection({ id: "w2-b", tenant: "rival" })],
};

describe("the calls on connections", () => {
  let stack: PolicyStack;
  let edge: Bus;
  let publisher: Bus;
  let reader: Bus;
  let isHanging = false;

  beforeAll(async () => {
    stack = await startPolicyStack();
    edge = await openBus(stack.nats.url("stream"), "stream");
    publisher = await openBus(stack.nats.url("publish"), "publish");
    reader = await openBus(stack.nats.url("policy"), "policy");
    for (const from of ["w1", "w2"] as const) {
      edge.connection.subscribe(ASK_EDGES, {
        callback: (_, message: Msg) => {
          if (!isHanging || from === "w1") message.respond(JSON.stringify(answer(from, message.json())));
        },
      });
    }
    await edge.connection.flush();
    await stack.call("PUT", "/v1/tenants/acme");
    await stack.call("PUT", "/v1/tenants/acme/policy", DOCUMENT);
  });
  afterAll(async () => {
    for (const { connection } of [edge, publisher, reader]) await connection.close();
    await stack[Symbol.asyncDispose]();
  });

  it("list those of all workers in the order of their ids, part by part, and those of one person", async () => {
    const first = await stack.call("GET", `${PATH}?limit=2`, undefined, await stack.as("carol"));
    expect(first.body).toEqual({ connections: HELD.w1.slice(0, 2), next: "w1-b", partial: false });
    const { body } = await stack.call("GET", `${PATH}?limit=2&after=w1-b`);
    expect(body).toEqual({ connections: [HELD.w1[2], HELD.w2[0]], partial: false });
    const bobs = await stack.call("GET", `${PATH}?subject=bob`);
    expect(bobs.body["connections"]).toEqual([HELD.w2[0]]);
  });

  it("list those of all tenants and the nodes to operators, and to nobody else", async () => {
    const { body } = await stack.call("GET", "/v1/connections");
    expect(body["connections"]).toEqual([...HELD.w1, ...HELD.w2]);
    const nodes = await stack.call("GET", "/v1/nodes");
    expect(nodes.body).toMatchObject({
      nodes: [
        { id: "w1", streams: 3 },
        { id: "w2", streams: 2 },
      ],
      partial: false,
    });
    for (const path of ["/v1/connections", "/v1/nodes"]) {
      expect((await stack.call("GET", path, undefined, await stack.as("carol"))).status).toBe(403);
    }
  });

  it("tell of one that is open, and of one that has ended by its entries of the log", async () => {
    expect((await stack.call("GET", `${PATH}/w2-a`)).body).toEqual({ connection: HELD.w2[0] });
    const [other, ended] = [entry("w9-x"), entry("w9-y")];
    for (const each of [other, ended]) {
      await jetstream(edge.connection).publish(connectionSubject("acme", "alice", "ended"), JSON.stringify(each));
    }
    expect((await stack.call("GET", `${PATH}/w9-y`)).body).toEqual({ entries: [ended] });
    expect((await stack.call("GET", `${PATH}/w2-b`)).status).toBe(404);
    const { streams } = await reader.manager();
    expect((await streams.info(CONNECTIONS_STREAM)).state.consumer_count).toBe(0);
  });

  it("close one, with an entry in the audit trail; one that there is not is 404", async () => {
    const response = await fetch(`${stack.url}${PATH}/w2-a`, { method: "DELETE", headers: await stack.as("carol") });
    expect(response.status).toBe(204);
    expect((await readAudit(stack.nats, "acme")).at(-1)).toMatchObject({
      event: "connection_closed",
      connectionId: "w2-a",
      by: "subject:carol",
      address: "127.0.0.1",
    });
    expect((await stack.call("DELETE", `${PATH}/w2-b`)).status).toBe(404);
    expect((await stack.call("DELETE", `${PATH}/w2-b`, undefined, await stack.as("alice"))).status).toBe(403);
  });

  it("say that a worker is missing; what it may hold is not said to be gone", async () => {
    isHanging = true;
    expect((await stack.call("GET", PATH)).body).toMatchObject({ connections: HELD.w1, partial: true });
    expect((await stack.call("DELETE", `${PATH}/w2-a`)).status).toBe(503);
    isHanging = false;
  });

  it("say who of those who are connected sees an event, and what it holds to whoever has event:inspect", async () => {
    const id = await publish("order.created.42", '{"total":7}');
    stack.people.hold("acme", "alice", { roles: [], groups: [] });
    const audience = await stack.call("GET", `${EVENTS}/${id}/audience`, undefined, await stack.as("carol"));
    expect(audience.body).toEqual({
      people: [
        { subject: "alice", connections: 3, matching: 3, allowed: true },
        { subject: "bob", connections: 1, matching: 1, allowed: null },
      ],
      hasMore: false,
      partial: false,
    });
    const event = await stack.call("GET", `${EVENTS}/${id}`, undefined, await stack.as("carol"));
    expect(event.body).toMatchObject({
      id,
      topic: "order.created.42",
      payload: '{"total":7}',
      bytes: 11,
      attributes: {},
    });
    const look = { event: "event_inspected", id, by: "subject:carol", address: "127.0.0.1" };
    expect((await readAudit(stack.nats, "acme")).at(-1)).toMatchObject(look);
    const refused = await stack.call("GET", `${EVENTS}/${id}`, undefined, await stack.as("dave"));
    expect(refused).toMatchObject({ status: 403, body: { detail: expect.stringContaining("event:inspect") } });
    expect((await stack.call("GET", `${EVENTS}/${id}/audience`, undefined, await stack.as("dave"))).status).toBe(200);
  });

  it("show nothing of an event where the look finds no place in the audit trail", async () => {
    const id = await publish("order.created.44", '{"total":8}');
    const auth = await openBus(stack.nats.url("auth"), "auth");
    const { streams } = await auth.manager();
    const { config } = await streams.info(AUDIT_STREAM);
    await streams.update(AUDIT_STREAM, { ...config, max_msg_size: 16 });
    const refused = await stack.call("GET", `${EVENTS}/${id}`, undefined, await stack.as("carol"));
    expect(refused).toMatchObject({ status: 503, body: { detail: expect.stringContaining("audit trail") } });
    expect(JSON.stringify(refused.body)).not.toContain("total");
    await streams.update(AUDIT_STREAM, config);
    expect((await stack.call("GET", `${EVENTS}/${id}`, undefined, await stack.as("carol"))).status).toBe(200);
    await auth.connection.close();
  });

  it("say nothing of an event that is erased, of another log, or that there never was", async () => {
    const id = await publish("order.created.43", "{}");
    await stack.call("POST", "/v1/tenants/acme/erase", { ids: [id], reason: "they asked" });
    for (const each of [id, id.replace(/^./, "x"), id.replace(/\w+$/, "0")]) {
      expect((await stack.call("GET", `${EVENTS}/${each}`)).status).toBe(404);
      expect((await stack.call("GET", `${EVENTS}/${each}/audience`)).status).toBe(404);
    }
    expect((await stack.call("GET", `${EVENTS}/nonsense`)).status).toBe(400);
  });

  async function publish(topic: string, payload: string): Promise<string> {
    await publisher.publish(`ingest.acme.${topic}`, payload);
    const manager = await reader.manager();
    const { config } = await manager.streams.info("EVENTS_acme");
    const message = await manager.streams.getMessage("EVENTS_acme", { last_by_subj: `events.acme.${topic}` });
    const position = { seq: message?.seq ?? 0, tag: tagOf(nanosOf(message?.timestamp ?? "")) };
    return formatEventId(config.metadata?.["sluice_epoch"] ?? "", position);
  }

  it.each(["?limit=0", "?limit=501", "?after=a.b", "?subject=%00"])("refuse %s", async (query) => {
    expect(await stack.call("GET", PATH + query)).toMatchObject({ status: 400, body: { code: "malformed_request" } });
  });
});

function answer(from: "w1" | "w2", question: EdgeQuestion): EdgeAnswer {
  if (question.ask === "nodes") return { from, node: { ...NODE, streams: HELD[from].length } };
  if (question.ask === "close") return { from, closed: from === "w2" && question.connectionId === "w2-a" };
  if (question.ask !== "connections") return { from, unknown: true };
  const { tenant, subject, connectionId, after, limit } = question;
  const found = HELD[from].filter(
    (each) =>
      each.id > after &&
      (tenant ?? each.tenant) === each.tenant &&
      (subject ?? each.subject) === each.subject &&
      (connectionId ?? each.id) === each.id,
  );
  return { from, connections: found.slice(0, limit), hasMore: found.length > limit };
}

const NODE = {
  version: "0.1.0",
  host: "edge-1",
  pid: 7,
  upForSeconds: 60,
  maxStreams: 100,
  feeds: 1,
  loopDelayP99Ms: 1,
  heapBytes: 1,
  rssBytes: 1,
  cpuShare: 0.5,
  isDraining: false,
  overloadStep: null,
};

function entry(connectionId: string): object {
  return {
    event: "ended",
    at: "2026-01-01T00:00:00.000Z",
    tenant: "acme",
    subject: "alice",
    connectionId,
    reason: "gone",
    openedAt: "2026-01-01T00:00:00.000Z",
    through: "e.1.0",
    events: 1,
    bytes: 20,
  };
}
