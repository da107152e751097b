import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "#test/support/ports.ts";
import { createTenantLog } from "#test/support/start-auth.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { connectProducer } from "./connect-producer.ts";

const publication = { topic: "issues.opened.Hello-World", payload: "{}" };
let nats: NatsServer;

beforeAll(async () => {
  nats = await startNats();
  await createTenantLog(nats, "demo");
});
afterAll(() => nats[Symbol.asyncDispose]());

describe("a producer", () => {
  test("has every event of its tenant acknowledged", async () => {
    await using producer = await connectProducer(nats.url("demo"), "demo");
    await expect(producer.publish(publication)).resolves.toEqual({ seq: 1, duplicate: false });
  });

  test("is told that it may not publish for another tenant", async () => {
    await using producer = await connectProducer(nats.url("rival"), "demo");
    const refusal = 'the user "rival" may not publish events.demo.issues.opened.Hello-World';
    await expect(producer.publish(publication)).rejects.toThrow(refusal);
  });

  test("is told that nobody stores the events of a tenant without a log", async () => {
    await using producer = await connectProducer(nats.url("rival"), "rival");
    await expect(producer.publish(publication)).rejects.toThrow("nobody stores events.rival.");
  });

  test("is told what to do about a wrong password", async () => {
    const url = nats.url("demo").replace(":test@", ":wrong@");
    await expect(connectProducer(url, "demo")).rejects.toThrow('refuses the user "demo": check NATS_URL');
  });

  test("is told what to do when NATS does not run", async () => {
    const port = await freePort();
    await expect(connectProducer(`nats://demo:test@127.0.0.1:${port}`, "demo")).rejects.toThrow(
      `NATS at 127.0.0.1:${port} does not answer: start Sluice with npm start, or set NATS_URL`,
    );
  });
});
