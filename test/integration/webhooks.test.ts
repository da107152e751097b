import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startChild } from "#test/support/child.ts";
import { freePort } from "#test/support/ports.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { DEMO_USERS_FILE } from "#test/support/start-auth.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { type Subscriber, subscriberAt } from "#test/support/subscriptions.ts";
import { waitFor } from "#test/support/wait.ts";
import { ACCEPT, isSigned, startReceiver, type WebhookReceiver } from "#test/support/webhook-receiver.ts";

const SECRET = `whsec_${Buffer.from("a secret of thirty-two bytes, so").toString("base64")}`;

let folder: string;
let stack: Stack;
let demo: Bus;
let bob: Subscriber;
let webhooks: RunningService;
let receiver: WebhookReceiver;
let name: string;
let made = 0;
let users: string;

const startWebhooks = (env: NodeJS.ProcessEnv = {}): Promise<RunningService> =>
  stack.startEdge({
    STREAM_ROLE: "webhooks",
    STREAM_WEBHOOK_SECRETS_FILE: join(folder, "secrets.yaml"),
    STREAM_WEBHOOK_HOSTS: "127.0.0.1",
    STREAM_WEBHOOK_TIMEOUT_MS: "10000",
    ...env,
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-webhooks-"));
  await writeFile(
    join(folder, "secrets.yaml"),
    `demo:\n  hook: ${SECRET}\n  alices: {secret: ${SECRET}, subjects: [alice]}\n`,
  );
  users = await readFile(DEMO_USERS_FILE, "utf8");
  await writeFile(join(folder, "users.yaml"), users);
  stack = await startStack({ auth: { AUTH_USERS_FILE: join(folder, "users.yaml") } });
  demo = await stack.bus("demo");
  bob = subscriberAt(stack.streamUrl, (await stack.login("bob")).access_token);
  webhooks = await startWebhooks();
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  name = `hook-${(made += 1)}`;
  receiver = await startReceiver();
  return async () => {
    await bob.call("DELETE", `/${name}`);
    await receiver[Symbol.asyncDispose]();
  };
});

async function make(change: object = {}, url = receiver.url): Promise<void> {
  const wish = { topics: ["push.>"], backoffMs: [100], deliver: { url, secretRef: "hook" }, ...change };
  expect(await bob.call("PUT", `/${name}`, wish)).toMatchObject({ status: 201, body: { deliver: { url } } });
}

async function publish(...texts: string[]): Promise<void> {
  for (const text of texts) await demo.publish("events.demo.push.event.k", JSON.stringify(text));
}

const look = async (): Promise<Record<string, unknown>> => (await bob.call("GET", `/${name}`)).body;

describe("a subscription with a callback", () => {
  test("is posted to it, signed, in order; what it takes never comes again", async () => {
    await make();
    await publish("one", "two", "three");
    expect(await receiver.receive(3)).toEqual(["one", "two", "three"]);
    for (const message of receiver.messages) {
      expect(isSigned(message, SECRET)).toBe(true);
      expect(message.headers["content-type"]).toBe("application/cloudevents-batch+json; charset=utf-8");
    }
    await waitFor("all is acknowledged", async () => (await look())["open"] === 0);
    expect(await look()).toMatchObject({ holder: { connectionId: expect.any(String) }, failure: null, dead: 0 });
    await publish("four");
    expect(await receiver.receive(4)).toEqual(["one", "two", "three", "four"]);
  });

  test("that does not take events gets them again by the back-off, and what came first still came first", async () => {
    await make();
    receiver.answer = (response) => void response.writeHead(500).end();
    await publish("one", "two");
    await waitFor("a second try", () => receiver.messages.length > 2);
    await expect.poll(look).toMatchObject({ failure: { reason: "the receiver answers 500" } });
    receiver.answer = ACCEPT;
    await waitFor("all is acknowledged", async () => (await look())["open"] === 0);
    await publish("three");
    await waitFor("the third event", () => first().includes("three"));
    expect(first()).toEqual(["one", "two", "three"]);
    await expect.poll(look).toMatchObject({ failure: null, dead: 0 });
  });

  test("has dead letters for what its receiver never takes, a bad event alone in the end; others go on", async () => {
    await make({ maxDeliver: 4 });
    receiver.answer = (response, { body }) => void response.writeHead(body.includes("bad") ? 422 : 204).end();
    await publish("good", "bad", "better");
    await waitFor("a dead letter", async () => (await look())["dead"] === 1);
    await waitFor("the others", async () => (await look())["open"] === 0);
    const { body } = await bob.call("GET", `/${name}/dead`);
    expect(body).toMatchObject({ dead: [{ deliveries: 4, reason: "refused" }] });
    receiver.answer = ACCEPT;
    await bob.call("POST", `/${name}/dead/redeliver`, { all: true });
    await waitFor("the bad event once more", async () => (await look())["open"] === 0 && (await look())["dead"] === 0);
  });

  test("waits while it is paused, and begins where it stopped", async () => {
    await make();
    await publish("one");
    await receiver.receive(1);
    await bob.call("POST", `/${name}/pause`);
    await publish("two");
    await markerAt((await receiver.receive(1)).length);
    await bob.call("POST", `/${name}/resume`);
    expect(await receiver.receive(3)).toEqual(["one", "two", "marker"]);
  });

  test("is deleted when its receiver says that it is gone", async () => {
    await make();
    receiver.answer = (response) => void response.writeHead(410).end();
    await publish("one");
    await waitFor("it is deleted", async () => (await bob.call("GET", `/${name}`)).status === 404);
  });

  test("goes on at its new address where the one before says only then that it is gone", async () => {
    await make();
    const inHand = Promise.withResolvers<() => void>();
    receiver.answer = (response) => inHand.resolve(() => void response.writeHead(410).end());
    await publish("one");
    const sayGone = await inHand.promise;
    await using other = await startReceiver();
    await bob.call("PUT", `/${name}`, { topics: ["push.>"], deliver: { url: other.url, secretRef: "hook" } });
    sayGone();
    await publish("two");
    expect(await other.receive(2)).toEqual(["one", "two"]);
  });

  test("goes to its new address when that changes, to a stream when it has none, and never to both", async () => {
    await make();
    await publish("one");
    await receiver.receive(1);
    await using refused = await bob.attach(name);
    expect(refused.status).toBe(409);
    await using other = await startReceiver();
    await bob.call("PUT", `/${name}`, { topics: ["push.>"], deliver: { url: other.url, secretRef: "hook" } });
    await publish("two");
    expect(await other.receive(1)).toEqual(["two"]);
    await bob.call("PUT", `/${name}`, { topics: ["push.>"] });
    await publish("three");
    await using attached = await bob.attach(name, "&takeover=true");
    expect(await attached.receive(1)).toEqual(['"three"']);
    expect([receiver, other].map(({ messages }) => messages.length)).toEqual([1, 1]);
  });
});

describe("the owner of a callback", () => {
  test("is judged anew at each delivery: nothing more comes of what was taken away, also not what came before", async () => {
    await make({ topics: ["issues.>", "push.>"] });
    receiver.answer = (response, { body }) => void response.writeHead(body.includes("first") ? 500 : 204).end();
    await publish("first");
    await receiver.receive(1);
    await stack.setRoles("bob", ["triager"]);
    const tries = receiver.messages.length;
    await publish("secret");
    await demo.publish("events.demo.issues.opened.k", '"marker"');
    await waitFor("the marker", () => first().includes("marker"));
    await waitFor("what may not be seen is dead", async () => (await look())["open"] === 0);
    expect(first()).toEqual(["first", "marker"]);
    expect(receiver.messages.length).toBeLessThanOrEqual(tries + 2);
    expect((await bob.call("GET", `/${name}/dead`)).body).toMatchObject({ dead: [{ reason: "denied" }] });
    await stack.setRoles("bob", ["maintainer"]);
  });

  test("gets nothing once auth does not know them, and goes on where they were when it does again", async () => {
    const carol = subscriberAt(stack.streamUrl, (await stack.login("carol")).access_token);
    await using hers = await startReceiver();
    await make();
    const wish = { topics: ["push.>"], deliver: { url: hers.url, secretRef: "hook" } };
    await carol.call("PUT", "/marker", wish);
    await publish("before");
    await receiver.receive(1);
    await writeFile(join(folder, "users.yaml"), users.replace("username: bob\n", "username: bob\n  disabled: true\n"));
    await waitFor("bob's is held by nobody", () => webhooks.child.output().includes("auth does not know its owner"));
    await publish("while away");
    await waitFor("the marker", () => hers.messages.some(({ body }) => body.includes("while away")));
    expect(first()).toEqual(["before"]);
    await writeFile(join(folder, "users.yaml"), users);
    await waitFor("what came meanwhile", () => first().includes("while away"));
    bob = subscriberAt(stack.streamUrl, (await stack.login("bob")).access_token);
    await carol.call("DELETE", "/marker");
  });

  test("gets no more than their token was good for", async () => {
    const login = { tenant: "demo", username: "bob", password: "sluice-demo", scope: "push:read@push.event.open" };
    const response = await fetch(`${stack.authUrl}/v1/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(login),
    });
    const { access_token: token } = (await response.json()) as { access_token: string };
    const wish = { topics: ["push.>"], deliver: { url: receiver.url, secretRef: "hook" } };
    const put = await subscriberAt(stack.streamUrl, token).call("PUT", `/${name}`, wish);
    expect(put).toMatchObject({ status: 201, body: { deliver: { scope: login.scope } } });
    await publish("beyond the scope");
    await demo.publish("events.demo.push.event.open", '"within"');
    expect(await receiver.receive(1)).toEqual(["within"]);
  });

  test.each([
    ["an address within the network", { url: "http://10.0.0.7/" }, "deliver.url: it must be an https address"],
    ["a private address", { url: "https://10.0.0.7/" }, "deliver.url: it must be a public address"],
    ["a secret that is not there", { secretRef: "x" }, 'deliver.secretRef: the operator has set no secret "x" for you'],
    ["another's secret", { secretRef: "alices" }, 'deliver.secretRef: the operator has set no secret "alices" for you'],
  ])("cannot name %s", async (_, change, detail) => {
    const deliver = { url: receiver.url, secretRef: "hook", ...change };
    const refused = await bob.call("PUT", `/${name}`, { topics: ["push.>"], deliver });
    expect(refused).toMatchObject({ status: 422, body: { code: "callback_refused", detail } });
    expect((await bob.call("GET", `/${name}`)).status).toBe(404);
  });
});

test("the receiver of the guide takes what is signed with its secret, and nothing else", async () => {
  const [, program = ""] = /```js\n([\s\S]*?)```/.exec(await readFile("docs/guides/webhooks.md", "utf8")) ?? [];
  await writeFile(join(folder, "receiver.mjs"), program);
  const port = await freePort();
  const env = { WEBHOOK_SECRET: SECRET, PORT: String(port) };
  const running = startChild(process.execPath, [join(folder, "receiver.mjs")], env);
  await waitFor("the receiver listens", () => running.output().includes("listening"));
  const url = `http://127.0.0.1:${port}/`;
  await make({}, url);
  await publish("one");
  await waitFor("the event", () => /^push\.event \S+\.\d+\.\S+$/m.test(running.output()));
  await waitFor("it is acknowledged", async () => (await look())["open"] === 0);
  const headers = { "webhook-id": "msg_1", "webhook-timestamp": String(Math.floor(Date.now() / 1_000)) };
  const forged = await fetch(url, {
    method: "POST",
    body: "[]",
    headers: { ...headers, "webhook-signature": "v1,AAAA" },
  });
  expect(forged.status).toBe(401);
  await running.end("SIGKILL");
});

test("a subscription is taken over from a process that is killed: all comes, and first of all in order", async () => {
  const processes = [webhooks, await startWebhooks()];
  await make();
  const texts: string[] = [];
  for (const round of [0, 1]) {
    const more = Array.from({ length: 10 }, (_, place) => `${round}.${place}`);
    texts.push(...more);
    await publish(...more.slice(0, 5));
    await waitFor("some of it", () => first().length > round * 10);
    await processes[round]?.child.end("SIGKILL");
    await publish(...more.slice(5));
    if (round === 0) processes.push(await startWebhooks());
  }
  await waitFor("all of it", () => first().length === texts.length);
  expect(first()).toEqual(texts);
  await waitFor("all is acknowledged", async () => (await look())["open"] === 0);
  expect(await look()).toMatchObject({ dead: 0 });
  for (const { child } of processes) await child.end("SIGTERM");
  const wish = { topics: ["push.>"], deliver: { url: receiver.url, secretRef: "hook" } };
  expect(await bob.call("PUT", "/late", wish)).toMatchObject({ status: 503, body: { code: "unavailable" } });
});

/** The data of what came, each once, in the order of its first coming. */
function first(): unknown[] {
  return [...new Set(receiver.messages.flatMap(({ events }) => events.map(({ data }) => data)))];
}

/** An event that reaches another subscription: until then the first one has had its time, and got no more than `count`. */
async function markerAt(count: number): Promise<void> {
  await using other = await startReceiver();
  const deliver = { url: other.url, secretRef: "hook" };
  await bob.call("PUT", "/marker", { topics: ["push.>"], deliver, window: 1 });
  await publish("marker");
  await other.receive(1);
  await bob.call("DELETE", "/marker");
  expect(receiver.messages.flatMap(({ events }) => events)).toHaveLength(count);
}
