import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openRevocations } from "../../services/auth/sessions/revocations-kv.ts";
import { encodeRecord } from "../../services/stream/durable/record.ts";
import { subscriptionSubject } from "#shared/contract/subscriptions.ts";
import { type EdgeStandIn, startEdgeStandIn } from "../rigs/edge-stand-in.ts";
import { recordOf } from "../rigs/subscription-record.ts";
import { OPERATOR_TOKEN, type PolicyStack, startPolicyStack } from "../support/start-policy.ts";
import { type Bus, openBus } from "../support/start-stack.ts";

const DOCUMENT = `
tenant: demo
roles:
  viewer: { allow: ["order:read"] }
  # Everything, with one exception.
  clerk: { allow: ["order:read", "order:write"], deny: ["order:read@order.secret.>"] }
  writer: { allow: ["order:write"] }
  masked: { allow: [{ rule: "order:read", mask: ["customer"] }] }
bindings:
  - { role: viewer, subjects: [ann, "group:staff"] }
  - { role: clerk, subjects: [carl] }
  - { role: masked, subjects: [mia] }
  - { role: writer, subjects: [una] }
events:
  "order.*": order:read
`;

interface Finding {
  readonly link: string;
  readonly answer: string;
  readonly evidence: readonly string[];
  readonly now: { readonly answer: string; readonly evidence: readonly string[] };
}

/** An explanation, as far as the tests look at it. */
interface Told {
  readonly event: Record<string, unknown>;
  readonly chain: readonly Finding[];
  readonly firstNo: string | null;
  readonly suggestion?: Record<string, unknown>;
  readonly masked: Record<string, unknown>;
}

describe("why somebody did not get an event", () => {
  let stack: PolicyStack;
  let demo: Bus;
  let auth: Bus;
  let edge: EdgeStandIn;
  let epoch: string;

  beforeAll(async () => {
    stack = await startPolicyStack();
    await stack.call("PUT", "/v1/tenants/demo");
    await stack.call("PUT", "/v1/tenants/demo/policy", DOCUMENT);
    demo = await openBus(stack.nats.url("demo"), "demo");
    auth = await openBus(stack.nats.url("auth"), "auth");
    const admin = await openBus(stack.nats.url("policy"), "policy");
    const { config } = await (await admin.manager()).streams.info("EVENTS_demo");
    await admin.connection.close();
    epoch = config.metadata?.["sluice_epoch"] ?? "";
    edge = await startEdgeStandIn(stack.nats.url("stream"), "demo", epoch);
  });
  afterAll(async () => {
    for (const { connection } of [demo, auth]) await connection.close();
    await edge[Symbol.asyncDispose]();
    await stack[Symbol.asyncDispose]();
  });

  const publish = (topic: string, payload: string | Uint8Array = "{}") => demo.publish(`events.demo.${topic}`, payload);
  const idAt = (seq: number) => `${epoch}.${seq}.0`;
  const explain = async (subject: string, query: string): Promise<Told> => {
    const { body } = await stack.call("GET", `/v1/tenants/demo/explain?subject=${subject}&${query}`);
    return body as unknown as Told;
  };
  const why = (subject: string, seq: number) => explain(subject, `sequence=${seq}`);
  const linkOf = (told: Told, name: string) => told.chain.find(({ link }) => link === name);
  const answers = (told: Told) => Object.fromEntries(told.chain.map(({ link, answer }) => [link, answer]));

  /** A stream that was open from the beginning of the log to a place behind the event, and ended. */
  async function wentPast(subject: string, connectionId: string, seq: number, more: object = {}): Promise<void> {
    await edge.opened(subject, connectionId, { at: "2026-01-01T00:00:00Z", ...more });
    await edge.ended(subject, connectionId, { through: idAt(seq) });
  }

  test("all links hold for an event that arrived, and the stream is named", async () => {
    const seq = await publish("order.created.1");
    await wentPast("ann", "ann-a", seq);
    const told = await why("ann", seq);
    expect(new Set(Object.values(answers(told)))).toEqual(new Set(["yes"]));
    expect(told).toMatchObject({ firstNo: null, event: { state: "kept", sequence: seq, topic: "order.created.1" } });
    expect(linkOf(told, "delivered")).toMatchObject({ connectionId: "ann-a" });
    expect(linkOf(told, "role")?.evidence).toEqual(["Role viewer allows order:read: bound by name."]);
    expect(told).not.toHaveProperty("suggestion");
    const byId = await explain("ann", `event=${told.event["id"] as string}`);
    expect(byId.chain).toEqual(told.chain);
  });

  test("an event that was never stored: none of its topic at that time, with the nearest, or a place behind the log", async () => {
    const seq = await publish("order.created.once");
    const at = encodeURIComponent("2026-01-01T12:00:00Z");
    const told = await explain("ann", `topic=order.created.once&at=${at}`);
    expect(told).toMatchObject({ firstNo: "stored", event: { state: "not_there", nearest: [{ sequence: seq }] } });
    expect(linkOf(told, "role")).toMatchObject({ answer: "unknown", now: { answer: "yes" } });
    const near = await explain("ann", `topic=order.created.once&at=${encodeURIComponent(new Date().toISOString())}`);
    expect(near.event).toMatchObject({ state: "kept", sequence: seq });
    expect(await why("ann", seq + 1_000)).toMatchObject({ firstNo: "stored", event: { state: "not_there" } });
  });

  test("an event that nobody can be shown is to be published again", async () => {
    const told = await why("ann", await publish("order.created.2", new Uint8Array([0xff])));
    expect(told).toMatchObject({
      firstNo: "stored",
      event: { state: "poison" },
      suggestion: { kind: "publish_again", call: null },
    });
  });

  test("an erased event is told with the entry that says so", async () => {
    const seq = await publish("order.erased.1");
    await publish("order.created.3");
    await stack.call("POST", "/v1/tenants/demo/erase", { subject: "order.erased.>", reason: "on request" });
    const told = await explain("ann", `topic=order.erased.1&at=${encodeURIComponent(new Date().toISOString())}`);
    expect(told.event).toMatchObject({ because: expect.stringContaining("the erasure of order.erased.>") });
    const bySequence = await why("ann", seq);
    expect(bySequence).toMatchObject({ firstNo: "stored", event: { state: "gone" } });
    expect(bySequence.event["because"]).toContain("may have taken it");
    expect(bySequence).not.toHaveProperty("suggestion");
  });

  test("a type that no rule names gets one, in a document that is ready to be put, and who gains is told", async () => {
    const seq = await publish("stock.moved.1");
    await wentPast("ann", "ann-b", seq, { topics: [{ topic: "stock.>", granted: false }] });
    const told = await why("ann", seq);
    expect(told).toMatchObject({ firstNo: "mapped", suggestion: { kind: "map_type", call: { method: "PUT" } } });
    const type = await why("ann", await publish("order_x.made.1"));
    expect(type.suggestion).toMatchObject({ kind: "map_type", effects: [] });
    const call = told.suggestion?.["call"] as { path: string; ifMatch: number; body: string };
    expect(call.body).toContain("# Everything, with one exception.");
    expect(call.body).toContain('"stock.moved": "stock:read"');
    const { status } = await stack.call("POST", "/v1/tenants/demo/check", { subject: "ann", topic: "stock.moved.1" });
    expect(status).toBe(200);
  });

  test("somebody who was not connected is told so, with the streams before and behind, and a later resume counts", async () => {
    await edge.opened("ben", "ben-a", { at: "2026-01-01T00:00:00Z" });
    const seq = await publish("order.created.4");
    await edge.ended("ben", "ben-a", { at: "2026-01-01T01:00:00Z", through: idAt(2) });
    await edge.opened("ben", "ben-b", { from: idAt(seq) });
    const told = await explain("ben", `sequence=${seq}&role=viewer`);
    expect(told).toMatchObject({ firstNo: "connected", suggestion: { kind: "open_stream" } });
    // Without a role a stream would be refused, so that it would not help.
    expect(await why("ben", seq)).toMatchObject({ firstNo: "connected", suggestion: { kind: "bind_role" } });
    expect(linkOf(told, "connected")?.evidence.join(" ")).toMatch(
      /before, ben-a, .* ended .*\(gone\).*next one, ben-b/,
    );
    await edge.opened("ben", "ben-c", { from: idAt(seq - 1), isResumed: true });
    await edge.ended("ben", "ben-c", { through: idAt(seq) });
    expect(linkOf(await why("ben", seq), "connected")).toMatchObject({ answer: "yes", connectionId: "ben-c" });
  });

  test("topics count as they were at the event's place", async () => {
    const seq = await publish("order.created.5");
    await wentPast("ann", "ann-c", seq - 1);
    await edge.opened("zoe", "zoe-a", { at: "2026-01-01T00:00:00Z" });
    await edge.changed("zoe", "zoe-a", { topics: [{ topic: "order.shipped.*", granted: true }], from: idAt(seq - 1) });
    await edge.changed("zoe", "zoe-a", { topics: [{ topic: "order.>", granted: true }], from: idAt(seq) });
    await edge.ended("zoe", "zoe-a", { through: idAt(seq + 1) });
    const told = await explain("zoe", `sequence=${seq}&role=viewer`);
    expect(told).toMatchObject({ firstNo: "topic", suggestion: { kind: "subscribe" } });
    expect(linkOf(told, "topic")?.evidence).toContain("zoe-a listened to order.shipped.*.");
    await edge.opened("zoe", "zoe-b", { from: idAt(seq) });
    edge.holds({
      id: "zoe-b",
      subject: "zoe",
      topics: [{ topic: "order.shipped.*", granted: true }],
      lastId: idAt(seq),
    });
    const now = await explain("zoe", `sequence=${seq}&role=viewer`);
    expect(linkOf(now, "topic")?.now).toMatchObject({ answer: "no" });
    expect(now.suggestion).toMatchObject({ kind: "subscribe", text: expect.stringContaining("order.created.5") });
  });

  test("a session that was revoked before the event is the reason; one that was revoked behind it is not", async () => {
    const revocations = await openRevocations(auth.connection, { replicas: 1, sessionMs: 3_600_000 });
    const revoke = async (sid: string) => {
      await revocations.record("demo", sid);
      return auth.publish("control.demo.session", JSON.stringify({ sid, action: "revoked" }));
    };
    await edge.opened("rob", "rob-a", { sid: "rob-1" });
    const entry = await revoke("rob-1");
    await edge.ended("rob", "rob-a", { reason: "revoked", through: idAt(entry) });
    const seq = await publish("order.created.6");
    const told = await explain("rob", `sequence=${seq}&group=staff`);
    expect(told).toMatchObject({ firstNo: "session", suggestion: { kind: "log_in" } });
    expect(answers(told)).toMatchObject({ connected: "yes", topic: "yes", role: "yes", delivered: "no" });
    await edge.opened("rob", "rob-b", { sid: "rob-2" });
    await edge.ended("rob", "rob-b", { through: idAt(seq) });
    await revoke("rob-2");
    expect(linkOf(await explain("rob", `sequence=${seq}&group=staff`), "session")).toMatchObject({ answer: "yes" });
  });

  test("somebody without a role is offered the smallest that lets them see it, beside those that they have", async () => {
    const seq = await publish("order.created.7");
    await wentPast("una", "una-a", seq);
    const told = await why("una", seq);
    expect(told).toMatchObject({ firstNo: "role", suggestion: { kind: "bind_role", more: 0 } });
    expect(told.suggestion?.["effects"]).toEqual([{ who: ["una"], gains: ["order:read"], loses: [] }]);
    const call: unknown = told.suggestion?.["call"];
    const { method, path, body, ifMatch } = call as { method: string; path: string; body: object; ifMatch: number };
    expect([path, body]).toEqual(["/v1/tenants/demo/subjects/una/roles", { roles: ["writer", "viewer"] }]);
    const headers = { authorization: `Bearer ${OPERATOR_TOKEN}`, "if-match": `"${ifMatch}"` };
    expect((await stack.call(method, path, body, headers)).status).toBe(200);
    const after = await why("una", seq);
    expect(linkOf(after, "role")).toMatchObject({ answer: "no", now: { answer: "yes" } });
    edge.holds({ id: "una-b", subject: "una", topics: [{ topic: "order.>", granted: true }], lastId: idAt(seq + 9) });
    expect((await why("una", seq)).suggestion).toMatchObject({ kind: "replay" });
  });

  test("a rule that denies is named, and no role is offered against it", async () => {
    const seq = await publish("order.secret.8");
    await wentPast("carl", "carl-a", seq);
    const told = await why("carl", seq);
    expect(told).toMatchObject({ firstNo: "rule", suggestion: { kind: "change_rule", call: null } });
    expect(linkOf(told, "rule")?.evidence[0]).toContain("says deny order:read@order.secret.>");
  });

  test("a stream that is behind, held or cut off has not delivered it, and says why", async () => {
    const seq = await publish("order.created.9");
    const held = { state: "behind", lastId: idAt(seq - 1) } as const;
    const opened = { subject: "ann", sid: "ann-1", openedAt: "2026-01-01T00:00:00Z", horizon: idAt(seq) };
    edge.open.length = 0;
    edge.holds({ id: "ann-held", ...opened, ...held, waitsFor: "socket" });
    await edge.opened("ann", "ann-held", { at: "2026-01-01T00:00:00Z" });
    const told = await why("ann", seq);
    expect(told).toMatchObject({ firstNo: "delivered", suggestion: { kind: "wait" } });
    expect(linkOf(told, "delivered")?.evidence.join()).toContain("waits for its client, which reads slowly");
    edge.open.length = 0;
    await edge.ended("ann", "ann-held", { reason: "slow", through: idAt(seq - 1) });
    const cut = await why("ann", seq);
    expect(cut).toMatchObject({ firstNo: "delivered" });
    expect(linkOf(cut, "delivered")?.evidence.join()).toContain("ann-held ended (slow)");
  });

  test("a durable subscription says whether it was acknowledged, is open, dead or still to come", async () => {
    const seq = await publish("order.created.10");
    const record = recordOf({ epoch, through: { seq, tag: "0" } });
    let told: Told | undefined;
    const put = async (change: object) => {
      const key = subscriptionSubject("demo", "dora", "builds");
      await edge.bus.js.publish(key, encodeRecord({ ...record, ...change }));
      told = await explain("dora", `sequence=${seq}&role=viewer`);
      return linkOf(told, "delivered");
    };
    const open = new Map([[seq, { tag: "0", deliveries: 1, dueAt: 1 }]]);
    expect(await put({ open })).toMatchObject({
      answer: "yes",
      evidence: [expect.stringContaining("not acknowledged")],
    });
    expect(await put({})).toMatchObject({ answer: "yes" });
    expect(told).toMatchObject({ firstNo: null });
    const dead = [{ seq, tag: "0", deliveries: 2, reason: "denied" }];
    expect(await put({ dead })).toMatchObject({ answer: "no", evidence: [expect.stringContaining("dead letter")] });
    const pending = await put({ through: { seq: seq - 1, tag: "0" } });
    expect(pending).toMatchObject({ answer: "no", evidence: [expect.stringContaining("no stream holds it")] });
    expect(told).toMatchObject({ firstNo: "connected" });
  });

  test("what cannot be known is unknown, and says what is missing", async () => {
    const seq = await publish("order.created.11");
    await edge.opened("eva", "eva-a", { at: "2026-01-01T00:00:00Z" });
    const lost = await explain("eva", `sequence=${seq}&role=viewer`);
    expect(linkOf(lost, "connected")).toMatchObject({ answer: "unknown" });
    expect(lost).toMatchObject({ firstNo: null });
    await why("fay", seq);
    edge.isSilent = true;
    const told = await why("fay", seq);
    edge.isSilent = false;
    expect(linkOf(told, "connected")).toMatchObject({ answer: "unknown" });
    expect(linkOf(told, "connected")?.evidence.join()).toContain("An edge does not answer");
    expect(linkOf(told, "connected")?.now).toMatchObject({ answer: "unknown" });
  });

  test("roles of auth that have changed since are not taken for those of then", async () => {
    stack.people.hold("demo", "gus", { roles: [], groups: ["staff"] });
    const seq = await publish("order.created.12");
    await wentPast("gus", "gus-a", seq);
    expect(linkOf(await why("gus", seq), "role")).toMatchObject({ answer: "yes" });
    await auth.publish("control.demo.session", JSON.stringify({ sub: "gus", action: "changed" }));
    const told = await why("gus", seq);
    expect(linkOf(told, "role")).toMatchObject({ answer: "unknown", now: { answer: "yes" } });
    expect(linkOf(await explain("gus", `sequence=${seq}&group=staff`), "role")).toMatchObject({ answer: "yes" });
  });

  test("the fields that an event is delivered without are told", async () => {
    const seq = await publish("order.created.13");
    expect((await why("mia", seq)).masked).toEqual({ whenPublished: ["customer"], now: ["customer"] });
    expect((await why("ann", seq)).masked).toEqual({ whenPublished: [], now: [] });
    expect((await why("nobody", seq)).masked).toEqual({ whenPublished: null, now: null });
  });
});
