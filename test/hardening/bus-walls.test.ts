import { jetstream, jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { headers, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { logStreamName, logSubjects } from "#shared/contract/tenant-log.ts";
import { connectAs } from "#test/support/connect-as.ts";
import { type NatsServer, type NatsUser, startNats } from "#test/support/start-nats.ts";
import { waitFor } from "#test/support/wait.ts";

const SERVICES = ["auth", "policy", "stream", "publish"] as const;
const BUCKETS = ["sluice_keys", "sluice_revoked", "sluice_policy", "sluice_policy_parts", "sluice_clients"];
const STREAMS = ["EVENTS_demo", "EVENTS_rival", ...BUCKETS.map((bucket) => `KV_${bucket}`)];
const EVENT = "events.demo.issues.opened.x";
let server: NatsServer;
const users = new Map<NatsUser, NatsConnection>();
let policyManager: JetStreamManager;
let authManager: JetStreamManager;

beforeAll(async () => {
  server = await startNats();
  for (const user of [...SERVICES, "demo", "rival"] as const) users.set(user, await connectAs(server, user));
  policyManager = await jetstreamManager(as("policy"), { checkAPI: false });
  authManager = await jetstreamManager(as("auth"), { checkAPI: false });
  for (const tenant of ["demo", "rival"]) {
    await policyManager.streams.add({
      name: logStreamName(tenant),
      subjects: logSubjects(tenant),
      allow_direct: true,
      deny_delete: true,
    });
  }
  for (const bucket of BUCKETS) {
    const owner = as(bucket.startsWith("sluice_policy") ? "policy" : "auth");
    const kv = await new Kvm(jetstream(owner)).create(bucket, { allow_direct: false });
    await kv.put("ring", "secret");
  }
});
afterAll(async () => {
  for (const connection of users.values()) await connection.close();
  await server[Symbol.asyncDispose]();
});

describe("a producer of another tenant", () => {
  test("hears nothing but the answers to its own calls, whatever it subscribes to", async () => {
    const heard: Msg[] = [];
    await using spy = await connectAs(server, "rival");
    const subjects = words("> *.*.> _INBOX.> _INBOX.*.> _R_.> $JS.> $KV.> $SYS.> events.> control.>");
    for (const subject of subjects) listen(spy, subject, heard);
    await spy.flush();
    await everybodyWorks();
    await spy.flush();
    expect(heard).toEqual([]);

    const own = await jetstream(spy).publish("events.rival.issues.opened.x", "mine");
    expect(own.stream).toBe("EVENTS_rival");
    await waitFor("its own acknowledgement is heard", () => heard.length > 0);
    const streams = heard.map((message) => message.json<{ stream: string }>().stream);
    expect(new Set(streams)).toEqual(new Set(["EVENTS_rival"]));
  });

  test.each(
    words(`
      events.demo.issues.opened.x events.rival2.issues.opened.x events.*.issues.opened.x events.>
      control.demo.policy control.rival.policy control.rival.session control.rival.tenant control.rival.erased $KV.sluice_keys.x
      $KV.sluice_revoked.rival.x $KV.sluice_policy.rival $KV.sluice_policy_parts.rival.x $JS.API.INFO $JS.API.STREAM.NAMES
      $JS.API.STREAM.INFO.EVENTS_demo $JS.API.STREAM.INFO.EVENTS_rival $JS.API.STREAM.CREATE.X
      $JS.API.STREAM.PURGE.EVENTS_rival $JS.API.STREAM.MSG.GET.EVENTS_demo $JS.API.DIRECT.GET.EVENTS_demo
      $JS.API.CONSUMER.CREATE.EVENTS_rival.c $JS.ACK.EVENTS_demo.c.1.1.1.1.0 $SYS.REQ.SERVER.PING
      _INBOX.stream.x edge.w1 edge.ask connections.rival.alice.opened connections.demo.alice.ended
    `),
  )("cannot publish to %s, and nothing is stored", async (subject) => {
    await expectNothingStored(() => expectRefused("rival", subject));
  });

  test("cannot have an answer written where it could not write itself", async () => {
    const others = STREAMS.filter((name) => name !== "EVENTS_rival");
    const before = await countMessages(others);
    const own = (await countMessages(["EVENTS_rival"]))[0] ?? 0;
    const writes = words(
      "control.demo.policy control.rival.policy $KV.sluice_keys.ring $JS.API.STREAM.PURGE.EVENTS_rival",
    );
    const replies = [EVENT, ...writes];
    for (const reply of replies) as("rival").publish("events.rival.issues.opened.x", '{"version":9}', { reply });
    const stored = own + replies.length;
    await waitFor("its events are stored", async () => (await countMessages(["EVENTS_rival"]))[0] === stored);
    await everybodyIsHeard();
    expect(await countMessages(["EVENTS_rival"])).toEqual([stored]);
    expect(await countMessages(others)).toEqual(before);
  });

  test.each([
    "Nats-Rollup:all",
    "Nats-Rollup:sub",
    "Nats-TTL:1s",
    "Nats-Schedule:@at 2030-01-01T00:00:00Z",
    "Nats-Incr:+1",
  ])("cannot rewrite its log by a header: %s", async (header) => {
    const [name = "", ...value] = header.split(":");
    const given = headers();
    given.set(name, value.join(":"));
    await expectNothingStored(async () => {
      const answer = await as("demo").request(EVENT, "+1", { headers: given, timeout: 30_000 });
      expect(answer.json()).toHaveProperty("error");
    });
  });
});

test("a stock client's publish is acknowledged, and a repeated one is told as such", async () => {
  const js = jetstream(as("demo"));
  const first = await js.publish(EVENT, "{}", { msgID: "m-1" });
  expect(first).toMatchObject({ stream: "EVENTS_demo", duplicate: false });
  expect(await js.publish(EVENT, "{}", { msgID: "m-1" })).toMatchObject({ seq: first.seq, duplicate: true });
  const plain = await as("demo").request(EVENT, "{}", { timeout: 30_000 });
  expect(plain.json()).toMatchObject({ stream: "EVENTS_demo", seq: first.seq + 1 });
});

describe("the user of a service is refused what is not its own", () => {
  // Which keys are withdrawn stands in the ring, which every verifier may read; what is secret in it is encrypted.
  const ring = everyApiOf("KV_sluice_keys", "$KV.sluice_keys.ring").filter((call) => !call.includes(".MSG.GET.KV_"));
  const keys = [...ring, ...everyApiOf("KV_sluice_clients", "$KV.sluice_clients.demo")];
  const changes = words("CREATE UPDATE DELETE PURGE MSG.DELETE");
  const refused: Record<(typeof SERVICES)[number], readonly string[]> = {
    stream: [
      ...words(`
        control.demo.policy control.demo.session control.demo.tenant control.demo.erased events.demo.issues.opened.x
        $KV.sluice_keys.ring $KV.sluice_revoked.demo.s $KV.sluice_clients.demo $KV.sluice_policy.demo _INBOX.auth.x _INBOX.policy.x $KV.sluice_policy_parts.demo.x
        $JS.API.STREAM.CREATE.X $JS.API.STREAM.NAMES $JS.API.STREAM.LIST $JS.API.STREAM.DELETE.KV_sluice_revoked
        audit.demo.login $JS.API.STREAM.MSG.GET.AUDIT $JS.API.CONSUMER.CREATE.AUDIT.c.audit.demo.>
        $JS.API.STREAM.SNAPSHOT.EVENTS_demo $JS.API.CONSUMER.DURABLE.CREATE.EVENTS_demo.c $JS.API.ACCOUNT.PURGE.SLUICE
        ingest.demo.issues.opened.x $KV.sluice_subs.demo.alice _INBOX.publish.x edge.ask
      `),
      ...changes.map((change) => `$JS.API.STREAM.${change}.EVENTS_demo`),
      ...changes.map((change) => `$JS.API.STREAM.${change}.KV_sluice_subs`),
      ...keys,
    ],
    auth: [
      ...words(`
        control.demo.policy control.demo.tenant control.demo.erased events.demo.issues.opened.x $KV.sluice_policy.demo
        _INBOX.policy.x _INBOX.stream.x edge.w1 edge.ask connections.demo.alice.opened $JS.API.STREAM.CREATE.X $JS.API.STREAM.NAMES $KV.sluice_policy_parts.demo.x
        $JS.API.STREAM.DELETE.AUDIT $JS.API.STREAM.PURGE.AUDIT
      `),
      ...everyApiOf("EVENTS_demo", EVENT),
      ...everyApiOf("KV_sluice_policy", "$KV.sluice_policy.demo").filter((call) => !call.includes(".MSG.GET.KV_")),
    ],
    policy: [
      ...words(`
        control.demo.session events.demo.issues.opened.x $KV.sluice_keys.ring $KV.sluice_revoked.demo.s $KV.sluice_clients.demo
        audit.demo.login $JS.API.STREAM.DELETE.AUDIT $JS.API.STREAM.UPDATE.AUDIT $JS.API.STREAM.MSG.GET.AUDIT
        _INBOX.auth.x _INBOX.stream.x edge.w1 connections.demo.alice.opened
      `),
      ...changes.map((change) => `$JS.API.STREAM.${change}.KV_sluice_revoked`),
      ...keys,
    ],
    publish: words(`
      control.demo.policy control.demo.session control.demo.erased events.demo.issues.opened.x ingest.demo $JS.API.INFO
      $KV.sluice_subs.demo.alice.x $KV.sluice_keys.ring $KV.sluice_clients.demo audit.demo.login edge.w1 edge.ask presence.demo publish.event _INBOX.stream.x
      $JS.API.STREAM.INFO.EVENTS_demo connections.demo.alice.opened
    `),
  };
  for (const user of SERVICES) {
    test.each(refused[user])(`${user}: %s`, async (subject) => {
      await expectNothingStored(() => expectRefused(user, subject));
    });
  }
});

describe("the edge has nothing written where it could not write itself", () => {
  const targets = words("control.rival.policy control.rival.session $KV.sluice_keys.ring $KV.sluice_revoked.rival.s");
  const others = STREAMS.filter((name) => name !== "EVENTS_demo");

  test("by a consumer that delivers there", async () => {
    const before = await countMessages(others);
    for (const [index, subject] of targets.entries()) {
      const config = { name: `c${index}`, deliver_subject: subject, deliver_policy: "all", ack_policy: "none" };
      const body = JSON.stringify({ stream_name: "EVENTS_demo", config });
      await as("stream").request(`$JS.API.CONSUMER.CREATE.EVENTS_demo.c${index}`, body, { timeout: 30_000 });
    }
    await jetstream(as("demo")).publish(EVENT, '{"version":9,"build":"forged","all":true}');
    await everybodyIsHeard();
    expect(await countMessages(others)).toEqual(before);
  });

  test("by a call whose answer goes there", async () => {
    await jetstream(as("demo")).publish(EVENT, '{"version":9,"build":"forged","all":true}');
    const config = { name: "pull", deliver_policy: "all", ack_policy: "none" };
    const body = JSON.stringify({ stream_name: "EVENTS_demo", config });
    await as("stream").request("$JS.API.CONSUMER.CREATE.EVENTS_demo.pull", body, { timeout: 30_000 });
    const before = await countMessages(others);
    for (const reply of targets) {
      as("stream").publish("$JS.API.CONSUMER.MSG.NEXT.EVENTS_demo.pull", '{"batch":1}', { reply });
      as("stream").publish("$JS.API.DIRECT.GET.EVENTS_demo", '{"seq":1}', { reply });
      as("stream").publish("$JS.API.STREAM.MSG.GET.EVENTS_demo", '{"seq":1}', { reply });
      as("stream").publish("$JS.API.STREAM.INFO.EVENTS_demo", "", { reply });
    }
    await everybodyIsHeard();
    expect(await countMessages(others)).toEqual(before);
  });
});

describe("services hear only what is for them", () => {
  for (const user of SERVICES) {
    test(`${user} hears nothing in the inboxes of the others, nor on any other subject`, async () => {
      const heard: Msg[] = [];
      await using spy = await connectAs(server, user);
      const inboxes = SERVICES.filter((other) => other !== user).map((other) => `_INBOX.${other}.>`);
      const subjects = [...inboxes, ...words("> _INBOX.> _INBOX.*.> _R_.> $JS.> $KV.> events.> control.>")];
      for (const subject of subjects) listen(spy, subject, heard);
      await spy.flush();
      await everybodyWorks(user);
      await spy.flush();
      expect(heard).toEqual([]);
    });
  }
});

function as(user: NatsUser): NatsConnection {
  return users.get(user) as NatsConnection;
}

// A refusal is silence here.
function listen(connection: NatsConnection, subject: string, heard: Msg[]): void {
  connection.subscribe(subject, { callback: (error, message) => void (error === null && heard.push(message)) });
}

/** Every API of a stream that reads, changes or removes something of it. */
function everyApiOf(stream: string, subject: string): string[] {
  const calls = words("INFO CREATE UPDATE DELETE PURGE MSG.GET MSG.DELETE SNAPSHOT RESTORE");
  const consumerCalls = words("CREATE DURABLE.CREATE INFO DELETE MSG.NEXT PAUSE UNPIN");
  const direct = `$JS.API.DIRECT.GET.${stream}`;
  const consumer = "$JS.API.CONSUMER";
  return [
    direct,
    `${direct}.${subject}`,
    `${consumer}.CREATE.${stream}`,
    `${consumer}.CREATE.${stream}.c.${subject}`,
    `${consumer}.NAMES.${stream}`,
    `${consumer}.LIST.${stream}`,
    ...calls.map((call) => `$JS.API.STREAM.${call}.${stream}`),
    ...consumerCalls.map((call) => `${consumer}.${call}.${stream}.c`),
  ];
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

/** Nobody answers, because the server did not let the call through, or has nobody for it in this user's account. */
async function expectRefused(user: NatsUser, subject: string): Promise<void> {
  const answer = as(user).request(subject, "{}", { timeout: 30_000 });
  const told = await answer.then(
    (message) => message.string(),
    (error: Error) => error.message,
  );
  expect(told).toMatch(/^(Permissions Violation for Publish|no responders)/);
}

async function expectNothingStored(attack: () => Promise<void>): Promise<void> {
  const look = async () => [await countMessages(STREAMS), await policyManager.streams.names().next()];
  const before = await look();
  await attack();
  expect(await look()).toEqual(before);
}

/** How many messages each stream has taken in. */
function countMessages(names: readonly string[]): Promise<number[]> {
  return Promise.all(
    names.map(async (name) => {
      const manager = /keys|clients/.test(name) ? authManager : policyManager;
      return (await manager.streams.info(name)).state.last_seq;
    }),
  );
}

// What the system does all day, on the connections of its own users. */
async function everybodyWorks(except?: NatsUser): Promise<void> {
  const js = { demo: jetstream(as("demo")), auth: jetstream(as("auth")), policy: jetstream(as("policy")) };
  for (let round = 0; round < 5; round += 1) {
    await js.demo.publish(EVENT, `event ${round}`);
    if (except !== "policy") await js.policy.publish("control.demo.policy", "{}");
    if (except !== "auth") await (await new Kvm(js.auth).open("sluice_keys")).put("ring", `secret ${round}`);
    if (except !== "auth") await js.auth.publish("control.demo.session", "{}");
    if (except !== "stream") await readAsEdge();
  }
}

async function readAsEdge(): Promise<void> {
  const consumer = await jetstream(as("stream")).consumers.get("EVENTS_demo");
  for await (const _ of await consumer.fetch({ max_messages: 2, expires: 1_000 }));
}

/** Waits until the server has done what it was asked before: each user's round trip comes after it. */
async function everybodyIsHeard(): Promise<void> {
  for (const connection of users.values()) await connection.flush();
  await readAsEdge();
}
