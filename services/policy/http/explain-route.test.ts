import { headers, type NatsConnection } from "@nats-io/transport-node";
import { jetstream, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { nanosOf, tagOf } from "#shared/contract/event-tag.ts";
import { connectService } from "#test/support/connect-service.ts";
import { connectAs } from "#test/support/connect-as.ts";
import { type PolicyStack, startPolicyStack } from "#test/support/start-policy.ts";

const DOCUMENT = `
tenant: demo
roles:
  viewer: { allow: ["order:read"] }
  regional: { allow: [{ rule: "stock:read", when: "event.region == 'eu'" }] }
bindings: [{ role: viewer, subjects: [alice] }]
events: { "order.*": order:read, "stock.*": stock:read }
routes: [{ method: GET, path: "/orders/{id}", permission: order:read, topics: ["order.*.{id}"] }]
`;

describe("explanations over HTTP", () => {
  let stack: PolicyStack;
  let producer: NatsConnection;
  let admin: NatsConnection;
  let manager: JetStreamManager;

  beforeAll(async () => {
    stack = await startPolicyStack();
    await stack.call("PUT", "/v1/tenants/demo");
    await stack.call("PUT", "/v1/tenants/demo/policy", DOCUMENT);
    producer = await connectAs(stack.nats, "demo");
    admin = await connectService(stack.nats.url("policy"));
    manager = await jetstreamManager(admin);
  });
  afterAll(async () => {
    await producer.close();
    await admin.close();
    await stack[Symbol.asyncDispose]();
  });

  /** Publishes an event and answers its id. */
  async function publish(topic: string, attributes: Record<string, string> = {}, payload: string | Uint8Array = "{}") {
    const sent = headers();
    for (const [name, value] of Object.entries(attributes)) sent.set(`ce-${name}`, value);
    const { seq } = await jetstream(producer).publish(`events.demo.${topic}`, payload, { headers: sent });
    return idAt(seq);
  }
  async function idAt(seq: number): Promise<string> {
    const { config } = await manager.streams.info("EVENTS_demo");
    const message = await manager.streams.getMessage("EVENTS_demo", { seq });
    return `${config.metadata?.["sluice_epoch"]}.${seq}.${tagOf(nanosOf(message!.timestamp))}`;
  }
  const explain = (subject: string, event: string, more = "") =>
    stack.call("GET", `/v1/tenants/demo/explain?subject=${subject}&event=${event}${more}`);
  const setRoles = (subject: string, roles: string[]) =>
    stack.call("PUT", `/v1/tenants/demo/subjects/${subject}/roles`, { roles });

  test("a question is answered with what led to the decision, its version, and where that came from", async () => {
    const ask = () =>
      stack.call("POST", "/v1/tenants/demo/explain", { subject: "alice", method: "GET", path: "/orders/1?x=y" });
    await ask();
    const { status, body } = await ask();
    expect(status).toBe(200);
    expect(body).toMatchObject({
      allow: true,
      version: 2,
      source: "cache",
      permission: "order:read",
      topic: "order.*.1",
      rule: { role: "viewer", effect: "allow", rule: "order:read" },
      considered: [{ role: "viewer", via: ["bound by name"], holds: true }],
    });
    expect(
      await stack.call("POST", "/v1/tenants/demo/check", { subject: "bob", method: "GET", path: "/x" }),
    ).toMatchObject({ status: 200, body: { allow: false, rule: null } });
  });

  test("an event is explained by the version that was in force where it stands, and by today's", async () => {
    const before = await publish("order.created.1");
    await setRoles("bob", ["viewer"]);
    const between = await publish("order.created.2");
    await setRoles("bob", []);
    const [first, second] = [(await explain("bob", before)).body, (await explain("bob", between)).body];
    expect(first).toMatchObject({ event: { state: "kept", topic: "order.created.1", type: "order.created" } });
    expect(first).toMatchObject({ whenPublished: { version: 2, allow: false }, now: { version: 4, allow: false } });
    expect(second).toMatchObject({ whenPublished: { version: 3, allow: true }, now: { version: 4, allow: false } });
    expect(first["holds"]).toEqual({ from: "nobody", roles: [], groups: [] });
  });

  test("an event's headers count, and roles of a token where they are given", async () => {
    const event = await publish("stock.moved", { region: "eu" });
    expect((await explain("dave", event)).body).toMatchObject({ now: { allow: false, roles: [] } });
    expect((await explain("dave", event, "&role=regional&group=ops&group=a%2Cb")).body).toMatchObject({
      event: { attributes: { region: "eu" } },
      whenPublished: { allow: true, considered: [{ via: ["token"], because: expect.stringContaining("is met") }] },
    });
    const elsewhere = await explain("dave", event, "&role=regional&issuer=https://nobody.trusts.test");
    expect(elsewhere.body).toMatchObject({ now: { allow: false, roles: [] } });
  });

  test("roles and groups that are not given are those that the person has now", async () => {
    stack.people.hold("demo", "ida", { roles: ["viewer"], groups: [] });
    const event = await publish("order.created.9");
    const question = { subject: "ida", topic: "order.created.9" };
    const post = (body: object) => stack.call("POST", "/v1/tenants/demo/explain", body);
    const held = { allow: true, holds: { from: "auth", roles: ["viewer"], groups: [] } };
    expect((await post(question)).body).toMatchObject(held);
    expect((await stack.call("POST", "/v1/tenants/demo/check", question)).body).toMatchObject({ allow: true });
    expect((await explain("ida", event)).body).toMatchObject({ now: { allow: true }, holds: held.holds });
    const given = { allow: false, holds: { from: "request", roles: [], groups: [] } };
    expect((await post({ ...question, roles: [] })).body).toMatchObject(given);
    expect((await explain("ida", event, "&group=")).body).toMatchObject({ now: { allow: false }, holds: given.holds });
  });

  test("without auth nothing is guessed, and what is given is explained all the same", async () => {
    stack.people.isAway = true;
    const question = { subject: "ida", topic: "order.created.9" };
    const answer = await stack.call("POST", "/v1/tenants/demo/explain", question);
    expect(answer).toMatchObject({ status: 503, body: { code: "unavailable" } });
    expect(JSON.stringify(answer.body)).toContain("auth does not answer");
    const given = await stack.call("POST", "/v1/tenants/demo/explain", { ...question, roles: ["viewer"] });
    expect(given).toMatchObject({ status: 200, body: { allow: true } });
    stack.people.isAway = false;
  });

  test("an event that nobody can receive is told as what it is", async () => {
    const good = await publish("order.created.3");
    const [epoch = "", seq = "", tag = ""] = good.split(".");
    const stateOf = async (event: string) =>
      ((await explain("alice", event)).body["event"] as Record<string, unknown>)["state"];
    expect(await stateOf(`000000000000.${seq}.${tag}`)).toBe("other_log");
    expect(await stateOf(`${epoch}.${Number(seq) + 1}.${tag}`)).toBe("not_there");
    expect(await stateOf(`${epoch}.${seq}.x`)).toBe("other_event");
    expect(await stateOf(await idAt(1))).toBe("control");
    expect(await stateOf(await publish("order.created.4", {}, new Uint8Array([0xff])))).toBe("poison");
    expect(await stateOf(await publish("order.cr!ated.4"))).toBe("poison");
    const headersOf = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`a${at}`, "x"]));
    expect(await stateOf(await publish("order.created.4", headersOf(64)))).toBe("kept");
    expect(await stateOf(await publish("order.created.4", headersOf(65)))).toBe("poison");
    await manager.streams.purge("EVENTS_demo", { seq: Number(seq) + 1 });
    expect(await stateOf(good)).toBe("gone");
    const after = await publish("order.created.5");
    expect((await explain("alice", after)).body).toMatchObject({
      event: { state: "kept" },
      whenPublished: { unknown: expect.stringContaining("log does not keep") },
      now: { allow: true },
    });
  });

  it.each([
    "subject=alice",
    "subject=alice&event=1",
    "event=abcdefgh.1.0",
    "subject=a%0Ab&event=abcdefgh.1.0",
    "subject=a&event=abcdefgh.1.0&roles=a,b",
    "x=1",
    "subject=a&sequence=0",
    "subject=a&subject=b&sequence=1",
    "subject=a&sequence=1e3",
    "subject=a&sequence=1&event=abcdefgh.1.0",
    "subject=a&topic=a.b",
    "subject=a&at=2026-01-01T00:00:00Z&sequence=1",
    "subject=a&topic=a.*&at=2026-01-01T00:00:00Z",
    "subject=a&topic=a.b&at=yesterday",
  ])("refuses %s", async (query) => {
    const answer = await stack.call("GET", `/v1/tenants/demo/explain?${query}`);
    expect(answer).toMatchObject({ status: 400, body: { code: "malformed_request" } });
  });

  it.each([
    { subject: "alice" },
    { subject: "alice", permission: "order:read", topic: "order.created" },
    { subject: "alice", method: "GET" },
    { subject: "alice", path: "/orders/1" },
    { subject: "alice", permission: "order:read", attributes: {} },
    { subject: "alice", topic: "order.created", method: "GET", path: "/" },
  ])("refuses the question %j", async (question) => {
    const answer = await stack.call("POST", "/v1/tenants/demo/explain", question);
    expect(answer).toMatchObject({ status: 400, body: { code: "malformed_request" } });
  });

  test("is for administrators of the tenant", async () => {
    const [as, rival] = [await stack.as("alice"), await stack.as("alice", { tenant_id: "demo" })];
    for (const caller of [as, rival]) {
      const get = await stack.call("GET", "/v1/tenants/demo/explain?subject=a&event=b", undefined, caller);
      const post = await stack.call("POST", "/v1/tenants/demo/explain", { subject: "a" }, caller);
      expect([get.status, post.status]).toEqual([403, 403]);
    }
  });
});
