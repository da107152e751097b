import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type NatsServer, type NatsUser, startNats } from "#test/support/start-nats.ts";

const STREAM_CALLS = ["UPDATE", "DELETE", "PURGE", "MSG.DELETE"];
const READS = [
  "$JS.API.STREAM.MSG.GET.AUDIT",
  "$JS.API.STREAM.SNAPSHOT.AUDIT",
  "$JS.API.DIRECT.GET.AUDIT",
  "$JS.API.DIRECT.GET.AUDIT.audit.demo.login",
  "$JS.API.CONSUMER.CREATE.AUDIT",
  "$JS.API.CONSUMER.CREATE.AUDIT.c",
  "$JS.API.CONSUMER.CREATE.AUDIT.c.audit.demo.>",
  "$JS.API.CONSUMER.DURABLE.CREATE.AUDIT.c",
  "$JS.API.CONSUMER.MSG.NEXT.AUDIT.c",
  "$JS.API.CONSUMER.INFO.AUDIT.c",
];

describe("the audit trail", () => {
  let server: NatsServer;
  let auth: NatsConnection;
  let policy: NatsConnection;
  let demo: NatsConnection;

  beforeAll(async () => {
    server = await startNats();
    [auth, policy, demo] = await Promise.all([connectAs("auth"), connectAs("policy"), connectAs("demo")]);
    const { streams } = await jetstreamManager(policy, { checkAPI: false });
    await streams.add({ name: "AUDIT", subjects: ["audit.*.*"], deny_delete: true, deny_purge: true });
  });
  afterAll(async () => {
    for (const connection of [auth, policy, demo]) await connection.close();
    await server[Symbol.asyncDispose]();
  });

  const connectAs = (user: NatsUser): Promise<NatsConnection> => {
    const { host, password: pass } = new URL(server.url(user));
    return connect({ servers: host, user, pass, ...(user === "demo" ? {} : { inboxPrefix: `_INBOX.${user}` }) });
  };
  const countEntries = async (): Promise<number> =>
    (await (await jetstreamManager(auth, { checkAPI: false })).streams.info("AUDIT")).state.last_seq;
  const expectRefused = async (by: NatsConnection, subject: string): Promise<void> => {
    const before = await countEntries();
    await expect(by.request(subject, "{}", { timeout: 2_000 })).rejects.toThrow(/Permissions Violation|no responders/);
    expect(await countEntries()).toBe(before);
  };

  test("takes from policy and auth what each has done", async () => {
    await jetstream(auth).publish("audit.demo.login", "{}");
    await jetstream(policy).publish("audit.demo.policy_changed", "{}");
    await jetstream(policy).publish("audit.demo.tenant_changed", "{}");
    expect(await countEntries()).toBe(3);
  });

  test.each(["login", "revoked", "reused", "policy_changed.x"])("takes no %s that policy made up", async (event) => {
    await expectRefused(policy, `audit.demo.${event}`);
  });

  test.each(READS)("is not read by policy: %s", (subject) => expectRefused(policy, subject));

  test.each(STREAM_CALLS)("is neither changed nor removed by policy or auth: %s", async (call) => {
    await expectRefused(policy, `$JS.API.STREAM.${call}.AUDIT`);
    await expectRefused(auth, `$JS.API.STREAM.${call}.AUDIT`);
  });

  test.each(["audit.demo.policy_changed", "$JS.API.STREAM.MSG.GET.AUDIT", "$JS.API.STREAM.INFO.AUDIT"])(
    "is nothing to a producer: %s",
    (subject) => expectRefused(demo, subject),
  );
});
