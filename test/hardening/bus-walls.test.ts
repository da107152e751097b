import { jetstream, jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect, headers, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { logStreamName, logSubjects } from "#shared/contract/tenant-log.ts";
import { type NatsServer, type NatsUser, startNats } from "#test/support/start-nats.ts";
import { waitFor } from "#test/support/wait.ts";

const SERVICES = ["auth", "policy", "stream"] as const;
const STREAMS = ["EVENTS_demo", "EVENTS_rival", "KV_sluice_keys", "KV_sluice_revoked", "KV_sluice_policy"];
const EVENT = "events.demo.issues.opened.x";

let server: NatsServer;
const users = new Map<NatsUser, NatsConnection>();
/** What the server refused each user, in its words. */
const refusals = new Set<string>();
let policyManager: JetStreamManager;
let authManager: JetStreamManager;

beforeAll(async () => {
  server = await startNats();
  for (const user of [...SERVICES, "demo", "rival"] as const) users.set(user, await connectAs(user));
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
  for (const [user, bucket] of [
    ["auth", "sluice_keys"],
    ["auth", "sluice_revoked"],
    ["policy", "sluice_policy"],
  ] as const) {
    const kv = await new Kvm(jetstream(as(user))).create(bucket, { allow_direct: false });
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
    await using spy = await connectAs("rival");
    const subjects = [
      ">",
      "_INBOX.>",
      "$JS.>",
      "$KV.>",
      "events.>",
      "control.>",
      "_INBOX.*.>",
      "$SYS.>",
      "*.*.>",
      "_R_.>",
    ];
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

  test.each([
    EVENT,
    "events.rival2.issues.opened.x",
    "events.*.issues.opened.x",
    "events.>",
    "control.demo.policy",
    "control.rival.policy",
    "control.rival.session",
    "control.rival.tenant",
    "$KV.sluice_keys.x",
    "$KV.sluice_revoked.rival.x",
    "$KV.sluice_policy.rival",
    "$JS.API.INFO",
    "$JS.API.STREAM.NAMES",
    "$JS.API.STREAM.INFO.EVENTS_demo",
    "$JS.API.STREAM.INFO.EVENTS_rival",
    "$JS.API.STREAM.CREATE.X",
    "$JS.API.STREAM.PURGE.EVENTS_rival",
    "$JS.API.STREAM.MSG.GET.EVENTS_demo",
    "$JS.API.DIRECT.GET.EVENTS_demo",
    "$JS.API.CONSUMER.CREATE.EVENTS_rival.c",
    "$JS.ACK.EVENTS_demo.c.1.1.1.1.0",
    "$SYS.REQ.SERVER.PING",
    "_INBOX.stream.x",
  ])("cannot publish to %s, and nothing is stored", async (subject) => {
    await expectNothingStored(() => expectRefused("rival", subject, "{}"));
  });

  test("cannot have an answer written where it could not write itself", async () => {
    const others = STREAMS.filter((name) => name !== "EVENTS_rival");
    const before = await countMessages(others);
    const own = (await countMessages(["EVENTS_rival"]))[0] ?? 0;
    const replies = [
      EVENT,
      "control.demo.policy",
      "control.rival.policy",
      "$KV.sluice_keys.ring",
      "$JS.API.STREAM.PURGE.EVENTS_rival",
    ];
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
      const answer = await as("demo").request(EVENT, "+1", { headers: given, timeout: 2_000 });
      expect(answer.json()).toHaveProperty("error");
    });
  });
});

test("a stock client's publish is acknowledged, and a repeated one is told as such", async () => {
  const js = jetstream(as("demo"));
  const first = await js.publish(EVENT, "{}", { msgID: "m-1" });
  expect(first).toMatchObject({ stream: "EVENTS_demo", duplicate: false });
  expect(await js.publish(EVENT, "{}", { msgID: "m-1" })).toMatchObject({ seq: first.seq, duplicate: true });
  const plain = await as("demo").request(EVENT, "{}", { timeout: 2_000 });
  expect(plain.json()).toMatchObject({ stream: "EVENTS_demo", seq: first.seq + 1 });
});

describe("the user of a service is refused what is not its own", () => {
  const KEYS = everyApiOf("KV_sluice_keys", "$KV.sluice_keys.ring");
  const WRITES = ["CREATE", "UPDATE", "DELETE", "PURGE", "MSG.DELETE", "SNAPSHOT", "RESTORE"];
  const refused: Record<(typeof SERVICES)[number], readonly string[]> = {
    stream: [
      ...["control.demo.policy", "control.demo.session", "control.demo.tenant", EVENT],
      ...["$KV.sluice_keys.ring", "$KV.sluice_revoked.demo.s", "$KV.sluice_policy.demo"],
      ...WRITES.map((verb) => `$JS.API.STREAM.${verb}.EVENTS_demo`),
      ...["$JS.API.STREAM.CREATE.X", "$JS.API.STREAM.DELETE.KV_sluice_revoked", "$JS.API.STREAM.NAMES"],
      ...[
        "$JS.API.CONSUMER.DURABLE.CREATE.EVENTS_demo.c",
        "$JS.API.ACCOUNT.PURGE.SLUICE",
        "_INBOX.auth.x",
        "_INBOX.policy.x",
      ],
      ...KEYS,
    ],
    auth: [
      ...["control.demo.policy", "control.demo.tenant", EVENT, "$KV.sluice_policy.demo"],
      ...everyApiOf("EVENTS_demo", EVENT),
      ...everyApiOf("KV_sluice_policy", "$KV.sluice_policy.demo"),
      ...["$JS.API.STREAM.CREATE.X", "$JS.API.STREAM.NAMES", "_INBOX.policy.x", "_INBOX.stream.x"],
    ],
    policy: [
      ...["control.demo.session", EVENT, "$KV.sluice_keys.ring", "$KV.sluice_revoked.demo.s"],
      ...["CREATE", "UPDATE", "DELETE", "PURGE", "MSG.DELETE"].map(
        (verb) => `$JS.API.STREAM.${verb}.KV_sluice_revoked`,
      ),
      ...["_INBOX.auth.x", "_INBOX.stream.x"],
      ...KEYS,
    ],
  };
  for (const user of SERVICES) {
    test.each(refused[user])(`${user}: %s`, async (subject) => {
      await expectNothingStored(() => expectRefused(user, subject, "{}"));
    });
  }
});

test("a service cannot have a consumer deliver where it could not publish", async () => {
  const before = await countMessages(STREAMS.filter((name) => name !== "EVENTS_demo"));
  for (const [index, subject] of ["control.rival.policy", "$KV.sluice_keys.ring"].entries()) {
    const config = { name: `c${index}`, deliver_subject: subject, deliver_policy: "all", ack_policy: "none" };
    const body = JSON.stringify({ stream_name: "EVENTS_demo", config });
    await as("stream").request(`$JS.API.CONSUMER.CREATE.EVENTS_demo.c${index}`, body, { timeout: 2_000 });
  }
  await jetstream(as("demo")).publish(EVENT, '{"version":9,"build":"forged","all":true}');
  await everybodyIsHeard();
  expect(await countMessages(STREAMS.filter((name) => name !== "EVENTS_demo"))).toEqual(before);
});

describe("services hear only what is for them", () => {
  for (const user of SERVICES) {
    test(`${user} hears nothing in the inboxes of the others, nor on any other subject`, async () => {
      const heard: Msg[] = [];
      await using spy = await connectAs(user);
      const inboxes = SERVICES.filter((other) => other !== user).map((other) => `_INBOX.${other}.>`);
      const subjects = [...inboxes, ">", "_INBOX.>", "_INBOX.*.>", "$JS.>", "$KV.>", "events.>", "control.>", "_R_.>"];
      for (const subject of subjects) listen(spy, subject, heard);
      await spy.flush();
      await everybodyWorks(user);
      await spy.flush();
      expect(heard).toEqual([]);
    });
  }
});

async function connectAs(user: NatsUser): Promise<NatsConnection> {
  const { host, password: pass } = new URL(server.url(user));
  const isService = SERVICES.some((service) => service === user);
  const connection = await connect({
    servers: host,
    user,
    pass,
    ...(isService ? { inboxPrefix: `_INBOX.${user}` } : {}),
  });
  void (async () => {
    for await (const status of connection.status()) if (status.type === "error") refusals.add(`${user}: ${status.error.message}`);
  })();
  return connection;
}

function as(user: NatsUser): NatsConnection {
  const connection = users.get(user);
  if (connection === undefined) throw new Error(`${user} is not connected`);
  return connection;
}

/** Subscribes, and takes a refusal for what it is here: silence. */
function listen(connection: NatsConnection, subject: string, heard: Msg[]): void {
  connection.subscribe(subject, { callback: (error, message) => void (error === null && heard.push(message)) });
}

/** Every API of a stream that reads, changes or removes something of it. */
function everyApiOf(stream: string, subject: string): string[] {
  const calls = ["INFO", "CREATE", "UPDATE", "DELETE", "PURGE", "MSG.GET", "MSG.DELETE", "SNAPSHOT", "RESTORE"];
  const consumer = ["CREATE", "DURABLE.CREATE", "INFO", "DELETE", "MSG.NEXT", "PAUSE", "UNPIN"];
  return [
    ...calls.map((call) => `$JS.API.STREAM.${call}.${stream}`),
    ...[`$JS.API.DIRECT.GET.${stream}`, `$JS.API.DIRECT.GET.${stream}.${subject}`],
    ...[`$JS.API.CONSUMER.CREATE.${stream}`, `$JS.API.CONSUMER.CREATE.${stream}.c.${subject}`],
    ...[`$JS.API.CONSUMER.NAMES.${stream}`, `$JS.API.CONSUMER.LIST.${stream}`],
    ...consumer.map((call) => `$JS.API.CONSUMER.${call}.${stream}.c`),
  ];
}

async function expectRefused(user: NatsUser, subject: string, payload: string): Promise<void> {
  const refusal = `${user}: Permissions Violation for Publish to "${subject}"`;
  expect(refusals).not.toContain(refusal);
  as(user).publish(subject, payload);
  await as(user).flush();
  await waitFor(`${user} is refused ${subject}`, () => refusals.has(refusal), 2_000);
}

async function expectNothingStored(attack: () => Promise<void>): Promise<void> {
  const before = await countMessages(STREAMS);
  const names = await policyManager.streams.names().next();
  await attack();
  expect(await countMessages(STREAMS)).toEqual(before);
  expect(await policyManager.streams.names().next()).toEqual(names);
}

/** How many messages each stream has taken in. */
function countMessages(names: readonly string[]): Promise<number[]> {
  return Promise.all(
    names.map(async (name) => {
      const manager = name === "KV_sluice_keys" ? authManager : policyManager;
      return (await manager.streams.info(name)).state.last_seq;
    }),
  );
}

/** What the system does all day, on the connections of its own users. */
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
