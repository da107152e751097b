import { createServer, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { exportJWK, generateKeyPair } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listenHere } from "#test/support/listen-here.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { type RunningService, startService } from "#test/support/start-service.ts";
import { waitFor } from "#test/support/wait.ts";

const ISSUER = "http://localhost:8081";

let nats: NatsServer;
let edge: RunningService;
let keys: FakeKeys;

beforeAll(async () => {
  keys = await startFakeKeys();
  nats = await startNats();
  edge = await startService("stream", {
    NATS_URL: nats.url("stream"),
    AUTH_JWKS_URL: `${keys.origin}/.well-known/jwks.json`,
    // One slash too many.
    AUTH_ISSUER: `${ISSUER}/`,
    STREAM_MAX_CONECTIONS: "10",
  });
});
afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await nats[Symbol.asyncDispose]();
  await keys[Symbol.asyncDispose]();
});

const lines = (): Record<string, unknown>[] =>
  edge.child
    .output()
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const readiness = async () => {
  const answer = await fetch(`http://127.0.0.1:${edge.ports.ops}/readyz`);
  return { status: answer.status, ...((await answer.json()) as { ready: boolean; reasons?: Reason[] }) };
};
interface Reason {
  readonly code: string;
  readonly detail: string;
}

/** Waits until the one reason is of this code and in these words, and answers the lines that the log has about that. */
async function reasonOf(code: string, words: RegExp): Promise<unknown[]> {
  await waitFor(`${code} is the reason`, async () => {
    const { reasons = [] } = await readiness();
    return reasons.length === 1 && reasons[0]?.code === code && words.test(reasons[0].detail);
  });
  const about = () =>
    lines().filter((line) => line["msg"] === "not ready" && words.test(String(line["error.message"])));
  await waitFor("the log says so", () => about().length > 0);
  return about();
}

test("an edge is not ready while no key set can be had or auth calls itself otherwise, and says why in one line", async () => {
  expect(await readiness()).toMatchObject({ status: 503, ready: false });
  expect(await reasonOf("keys_unusable", /answers 503/)).toHaveLength(1);
  keys.answer = (response) => void response.setHeader("content-type", "text/html").end("<!doctype html>");
  expect(await reasonOf("keys_unusable", /answers HTML instead of JSON/)).toHaveLength(1);
  keys.answer = (response) => void response.writeHead(302, { location: "https://login.example/" }).end();
  expect(await reasonOf("keys_unusable", /a redirect \(302\)/)).toHaveLength(1);
  const { publicKey } = await generateKeyPair("ES256");
  const jwk = { ...(await exportJWK(publicKey)), alg: "ES256", kid: "k" };
  keys.answer = (response) => void response.end(JSON.stringify({ keys: [jwk] }));
  expect(await reasonOf("issuer_differs", /"http:\/\/localhost:8081\/" here.*it ends with a slash/)).toHaveLength(1);
  keys.issuer = `${ISSUER}/`;
  await waitFor("the edge is ready", async () => (await readiness()).status === 200);
  await expect
    .poll(lines)
    .toContainEqual(expect.objectContaining({ "error.type": "issuer_differs", msg: "not a reason any more" }));
});

test("a start warns of a misspelt variable, and says what is set without a password", () => {
  const [warning] = lines().filter(({ variable }) => variable === "STREAM_MAX_CONECTIONS");
  expect(warning).toMatchObject({ level: "warn", nearest: "STREAM_MAX_CONNECTIONS" });
  const [settings] = lines().filter(({ msg }) => msg === "settings");
  expect(settings).toMatchObject({ environment: { NATS_URL: expect.stringMatching(/^nats:\/\/\*\*\*@/) }, demo: {} });
  expect(edge.child.output()).not.toContain("sluice-demo-stream");
});

describe("a refusal", () => {
  test("leads by its request's id to the one line of the log that has its facts, which hold no token", async () => {
    const token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.secret-signature";
    const headers = { authorization: `Bearer ${token}`, "x-request-id": "support-case.42", "x-sluice-client": "test" };
    const answer = await fetch(`http://127.0.0.1:${edge.ports.http}/v1/stream?topic=a.b`, { headers });
    const problem = (await answer.json()) as Record<string, string>;
    expect(answer.headers.get("x-request-id")).toBe("support-case.42");
    expect(problem["instance"]).toBe("urn:sluice:request:support-case.42");
    const id = problem["instance"]?.replace("urn:sluice:request:", "");
    const about = await waitFor("the line is there", () => {
      const found = lines().filter(({ requestId }) => requestId === id);
      return found.length > 0 && found;
    });
    expect(about).toMatchObject([
      { level: "info", msg: "refused", "error.type": problem["code"], "error.message": problem["detail"] },
    ]);
    expect(edge.child.output()).not.toMatch(/secret-signature|eyJhbGciOiJub25lIn0/);
  });

  test("has an id of our own where the client's could forge a line", async () => {
    const headers = { "x-request-id": 'a"} {"level":"error"' };
    const answer = await fetch(`http://127.0.0.1:${edge.ports.http}/nowhere`, { headers });
    expect(answer.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("is one of 50 lines a second, however many a stranger provokes, and the rest are a sum", async () => {
    const before = edge.child.output().length;
    const ask = () => fetch(`http://127.0.0.1:${edge.ports.http}/v1/stream?topic=a.b`).then((answer) => answer.text());
    const startedAt = performance.now();
    for (let round = 0; round < 20; round += 1) await Promise.all(Array.from({ length: 25 }, ask));
    const seconds = Math.ceil((performance.now() - startedAt) / 1_000) + 1;
    await waitFor("the sum is written", () => lines().some(({ kind }) => kind === "refused: token_missing"));
    const written = lines().filter((line) => line["error.type"] === "token_missing");
    expect(written.length).toBeLessThanOrEqual(50 * seconds);
    expect(edge.child.output().length - before).toBeLessThan(25_000 * seconds);
  });
});

test("300 bodies that are broken off fill no log", async () => {
  const before = edge.child.output().length;
  await Promise.all(Array.from({ length: 300 }, breakOff));
  await fetch(`http://127.0.0.1:${edge.ports.http}/nowhere`, { headers: { "x-request-id": "marker" } });
  await waitFor("the marker is logged", () => lines().some(({ requestId }) => requestId === "marker"));
  expect(edge.child.output().length - before).toBeLessThan(40_000);
});

test("DNS rebinding: operations answer to addresses, and to no name of a stranger", async () => {
  for (const path of ["/metrics", "/debug/connections", "/readyz", "/healthz"]) {
    expect(await askRaw(edge.ports.ops, path, ["evil.example"])).toMatch(/^HTTP\/1\.1 421 /);
    expect(await askRaw(edge.ports.ops, path, [`127.0.0.1:${edge.ports.ops}`])).toMatch(/^HTTP\/1\.1 200 /);
  }
  expect(await askRaw(edge.ports.ops, "/metrics", ["127.0.0.1", "evil.example"])).toMatch(/^HTTP\/1\.1 400 /);
});

/** Sends the half of a body, and vanishes. */
async function breakOff(): Promise<void> {
  const socket = connect(edge.ports.http, "127.0.0.1").on("error", () => {});
  const head = "POST /v1/streams/w-1/token HTTP/1.1\r\nHost: edge\r\nContent-Length: 100\r\n\r\n";
  await new Promise<unknown>((resolve) => socket.write(`${head}{`, resolve));
  socket.resetAndDestroy();
}

/** The whole answer to a request with these Host headers. */
function askRaw(port: number, path: string, hosts: readonly string[]): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(`GET ${path} HTTP/1.1\r\nConnection: close\r\n${hosts.map((host) => `Host: ${host}\r\n`).join("")}\r\n`);
  return new Response(socket as never).text();
}

/** Auth's keys and metadata, as far as they are looked at; the test says what the keys answer. */
interface FakeKeys extends AsyncDisposable {
  readonly origin: string;
  answer: (response: ServerResponse) => void;
  issuer: string;
}

async function startFakeKeys(): Promise<FakeKeys> {
  const server = createServer(({ url }, response) => {
    if (url === "/.well-known/jwks.json") fake.answer(response);
    else response.end(JSON.stringify({ issuer: fake.issuer }));
  });
  const listening = await listenHere(server);
  const fake: FakeKeys = {
    origin: `http://127.0.0.1:${listening.port}`,
    [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose](),
    answer: (response) => void response.writeHead(503).end(),
    issuer: ISSUER,
  };
  return fake;
}
