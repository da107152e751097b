import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunningService } from "#test/support/start-service.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { type Subscriber, subscriberAt } from "#test/support/subscriptions.ts";
import { createTestCertificates } from "#test/support/tls.ts";
import { waitFor } from "#test/support/wait.ts";
import { startReceiver } from "#test/support/webhook-receiver.ts";

const TIMEOUT_MS = 3_000;

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

const cleanup = new AsyncDisposableStack();
let stack: Stack;
let webhooks: RunningService;
let demo: Bus;
let bob: Subscriber;
let made = 0;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-webhooks-"));
  cleanup.defer(() => rm(folder, { recursive: true }));
  const file = join(folder, "secrets.yaml");
  await writeFile(file, `demo:\n  hook: ${SECRET}\n`);
  stack = cleanup.use(await startStack());
  demo = await stack.bus("demo");
  bob = subscriberAt(stack.streamUrl, (await stack.login("bob")).access_token);
  webhooks = await stack.startEdge({
    STREAM_ROLE: "webhooks",
    STREAM_WEBHOOK_SECRETS_FILE: file,
    STREAM_WEBHOOK_HOSTS: "127.0.0.1",
    STREAM_WEBHOOK_TIMEOUT_MS: String(TIMEOUT_MS),
  });
});
afterAll(() => cleanup.disposeAsync());

async function subscribe(url: string): Promise<string> {
  const name = `hook-${(made += 1)}`;
  const wish = { topics: ["push.>"], backoffMs: [100], maxDeliver: 2, deliver: { url, secretRef: "hook" } };
  expect(await bob.call("PUT", `/${name}`, wish)).toMatchObject({ status: 201 });
  return name;
}

/** Why an event that is published now becomes a dead letter of the subscription. */
async function failureOf(name: string): Promise<unknown> {
  await demo.publish("events.demo.push.event.k", "1");
  await waitFor("a dead letter", async () => (await bob.call("GET", `/${name}`)).body["dead"] === 1);
  const { failure } = (await bob.call("GET", `/${name}`)).body as { failure: { reason: string } };
  await bob.call("DELETE", `/${name}`);
  return failure.reason;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanup.defer(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test("a receiver that hangs costs itself its events, and no other receiver anything", async () => {
  await using hanging = await startReceiver();
  await using quick = await startReceiver();
  hanging.answer = () => {};
  const slow = await subscribe(hanging.url);
  const other = await subscribe(quick.url);
  const reason = failureOf(slow);
  await quick.receive(1);
  // The slow one has its event in hand still, or waits to be tried again.
  const inHand = await waitFor("it is noted", async () => {
    const { body } = await bob.call("GET", `/${slow}`);
    return body["open"] === 1 && body;
  });
  expect(inHand["dead"]).toBe(0);
  expect(await reason).toBe(`the receiver does not answer within ${TIMEOUT_MS / 1_000} s`);
  await bob.call("DELETE", `/${other}`);
});

test("a receiver that redirects inward is not followed", async () => {
  await using inward = await startReceiver();
  await using receiver = await startReceiver();
  receiver.answer = (response) => void response.writeHead(307, { location: inward.url }).end();
  const reason = await failureOf(await subscribe(receiver.url));
  expect(reason).toBe("the receiver answers with a redirect (307), which is not followed");
  expect(inward.messages).toEqual([]);
});

test("a receiver that answers a gigabyte is not read", async () => {
  await using receiver = await startReceiver();
  let sent = 0;
  receiver.answer = (response) => {
    const chunk = Buffer.alloc(65_536);
    const more = (): void => {
      while (!response.destroyed && response.write(chunk)) sent += chunk.length;
    };
    response.on("drain", more);
    more();
  };
  const name = await subscribe(receiver.url);
  await demo.publish("events.demo.push.event.k", "1");
  await receiver.receive(1);
  await waitFor("it is acknowledged", async () => (await bob.call("GET", `/${name}`)).body["open"] === 0);
  expect(sent).toBeLessThan(64 * 1024 * 1024);
  await bob.call("DELETE", `/${name}`);
});

test("a receiver whose certificate nobody vouches for is sent nothing", async () => {
  await using certificates = await createTestCertificates();
  const { GRPC_TLS_CERT_FILE, GRPC_TLS_KEY_FILE } = await certificates.issue("receiver", { dnsName: "127.0.0.1" });
  const [cert, key] = [await readFile(GRPC_TLS_CERT_FILE), await readFile(GRPC_TLS_KEY_FILE)];
  let requests = 0;
  const port = await listen(createTlsServer({ cert, key }, () => void (requests += 1)));
  expect(await failureOf(await subscribe(`https://127.0.0.1:${port}/`))).toBe("TLS: unknown authority");
  expect(requests).toBe(0);
});

test("a name that stands for an address of this network is not spoken to", async () => {
  let connections = 0;
  const port = await listen(createServer(() => void (connections += 1)));
  expect(await failureOf(await subscribe(`https://localhost:${port}/`))).toBe(
    "the host has no public address, and is not listed in STREAM_WEBHOOK_HOSTS",
  );
  expect(connections).toBe(0);
});

test("a receiver that breaks off in the middle is a failure; neither addresses nor secrets are in any line", async () => {
  const port = await listen(createServer((socket) => void socket.once("data", () => socket.destroy())));
  expect(await failureOf(await subscribe(`http://127.0.0.1:${port}/`))).toBe("the receiver breaks the connection off");
  const lines = webhooks.child.output();
  expect(lines).toContain("a callback does not take its events");
  for (const hidden of [SECRET, SECRET.slice("whsec_".length), `127.0.0.1:${port}/`])
    expect(lines).not.toContain(hidden);
});
