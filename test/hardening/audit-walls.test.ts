import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { openAudit } from "#shared/nats/append-audit.ts";
import { systemClock } from "#shared/time/clock.ts";
import { connectAs } from "#test/support/connect-as.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";

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
    [auth, policy, demo] = await Promise.all([
      connectAs(server, "auth"),
      connectAs(server, "policy"),
      connectAs(server, "demo"),
    ]);
    const { streams } = await jetstreamManager(policy, { checkAPI: false });
    await streams.add({ name: "AUDIT", subjects: ["audit.*.*"], deny_delete: true, deny_purge: true });
  });
  afterAll(async () => {
    for (const connection of [auth, policy, demo]) await connection.close();
    await server[Symbol.asyncDispose]();
  });

  const countEntries = async (): Promise<number> =>
    (await (await jetstreamManager(auth, { checkAPI: false })).streams.info("AUDIT")).state.last_seq;
  const expectRefused = async (by: NatsConnection, subject: string): Promise<void> => {
    const before = await countEntries();
    await expect(by.request(subject, "{}", { timeout: 30_000 })).rejects.toThrow(/Permissions Violation|no responders/);
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
    if (call !== "UPDATE") await expectRefused(auth, `$JS.API.STREAM.${call}.AUDIT`);
  });

  test("is given a size by auth, and no update lets its entries be deleted", async () => {
    const log = createLogger("test", "silent");
    const options = { replicas: 1, clock: systemClock, log, onLost: () => undefined };
    await openAudit(auth, { ...options, maxBytes: 4_194_304 });
    const { streams } = await jetstreamManager(auth, { checkAPI: false });
    const { config } = await streams.info("AUDIT");
    expect(config).toMatchObject({ max_bytes: 4_194_304, max_msgs_per_subject: 1_024, discard: "old" });
    const opened = streams.update("AUDIT", { ...config, deny_delete: false, deny_purge: false });
    await expect(opened).rejects.toThrow(/can not cancel deny/);
    await openAudit(policy, options);
    expect((await streams.info("AUDIT")).config.max_bytes).toBe(4_194_304);
  });

  test("that is flooded with refusals of one tenant loses refusals of that tenant alone", async () => {
    const js = jetstream(auth, { timeout: 30_000 });
    await js.publish("audit.acme.revoked", "{}");
    for (let round = 0; round < 4; round += 1) {
      await Promise.all(Array.from({ length: 500 }, () => js.publish("audit.rival.login_refused", "{}")));
    }
    const { streams } = await jetstreamManager(auth, { checkAPI: false });
    const { state } = await streams.info("AUDIT", { subjects_filter: ">" });
    expect(state.subjects).toMatchObject({ "audit.acme.revoked": 1, "audit.rival.login_refused": 1_024 });
  });

  test.each(["audit.demo.policy_changed", "$JS.API.STREAM.MSG.GET.AUDIT", "$JS.API.STREAM.INFO.AUDIT"])(
    "is nothing to a producer: %s",
    (subject) => expectRefused(demo, subject),
  );
});
