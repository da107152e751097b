import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { authSettings } from "#test/support/start-auth.ts";
import { startIssuer } from "#test/support/start-issuer.ts";
import { startNats } from "#test/support/start-nats.ts";
import { readMetric } from "#test/support/read-metric.ts";
import { startRedis } from "#test/support/start-redis.ts";
import { type RunningService, startService } from "#test/support/start-service.ts";
import { waitFor } from "#test/support/wait.ts";

/** What the services of this file may open. Each needs some 50 of them for itself. */
const DESCRIPTORS = 256;

const HALF_SENT = {
  http: "GET /v1/stream?topic=a HTTP/1.1\r\nHost: edge\r\nX-Half: ",
  // The preface of HTTP/2, and nothing behind it.
  grpc: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
} as const;

const stack = new AsyncDisposableStack();
let auth: RunningService;
let edge: RunningService;
let policy: RunningService;

beforeAll(async () => {
  const nats = stack.use(await startNats());
  const issuer = stack.use(await startIssuer());
  const env = { AUTH_JWKS_URL: issuer.jwksUri, POLICY_OPERATOR_TOKEN: "an-operator-token-for-this-test" };
  const redis = stack.use(await startRedis());
  const start = async (name: "auth" | "stream" | "policy") => {
    const settings = { ...env, ...(name === "auth" ? authSettings(nats, redis) : { NATS_URL: nats.url(name) }) };
    return stack.use(await startService(name, settings, { descriptors: DESCRIPTORS }));
  };
  [auth, edge, policy] = await Promise.all([start("auth"), start("stream"), start("policy")]);
});
afterAll(() => stack.disposeAsync());

/** Connections that say `text` and no more, twice as many as the service may open. */
async function flood(port: number, text: string): Promise<Disposable> {
  const sockets: Socket[] = [];
  for (let index = 0; index < 2 * DESCRIPTORS; index += 1) {
    const socket = connect(port, "127.0.0.1").on("error", () => undefined);
    socket.resume().write(text);
    sockets.push(socket);
  }
  await Promise.all(sockets.map((socket) => once(socket, "connect").catch(() => undefined)));
  return { [Symbol.dispose]: () => sockets.forEach((socket) => socket.destroy()) };
}

const endedBy = (service: RunningService): Promise<number> => readMetric(service, "sluice_sockets_ended_total");

const CASES = [
  { name: "the edge", service: () => edge, port: "http" },
  { name: "auth", service: () => auth, port: "http" },
  { name: "policy", service: () => policy, port: "http" },
  { name: "policy's gRPC", service: () => policy, port: "grpc" },
] as const;

describe.each(CASES)("$name under half-sent requests", ({ service, port }) => {
  test("answers operators and honest clients, and writes no line for each", async () => {
    const running = service();
    const { ports, child } = running;
    const linesBefore = child.output().split("\n").length;
    const endedBefore = await endedBy(running);
    using _flood = await flood(ports[port], HALF_SENT[port]);
    await waitFor("connections are ended", async () => (await endedBy(running)) - endedBefore > DESCRIPTORS);
    for (const path of ["healthz", "readyz", "metrics"]) {
      expect((await fetch(`http://127.0.0.1:${ports.ops}/${path}`)).status).toBe(200);
    }
    const honest = await fetch(`http://127.0.0.1:${ports.http}/v1/stream?topic=a`);
    expect([401, 404]).toContain(honest.status);
    // Twenty lines of a kind a second, and their sum.
    expect(child.output().split("\n").length - linesBefore).toBeLessThan(DESCRIPTORS / 2);
  });
});

/** Bad inputs of each kind: many more a second than lines of a kind may be. */
const INPUTS = 160;

/** Inputs that no two of are alike in anything that could be a label or a kind of line. */
async function sendBadInputs({ ports: { http } }: RunningService, name: string, inputs: number): Promise<void> {
  const url = `http://127.0.0.1:${http}`;
  const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  for (let index = 0; index < inputs; index += 1) {
    const each = `${name}-${index}`;
    const head = base64({ alg: "ES256", typ: "at+jwt", kid: each });
    const token = `${head}.${base64({ iss: `https://${each}.test`, sub: each, tenant_id: each, exp: 4e9 })}.c2ln`;
    const headers = { authorization: `Bearer ${token}`, accept: "text/event-stream" };
    const paths = ["/v1/stream?topic=a", `/v1/tenants/${each}/policy`, "/v1/auth/sessions", `/${each}`];
    await Promise.all([
      ...paths.map(async (path) => (await fetch(url + path, { headers })).body?.cancel()),
      say(http, `BAD ${each}\r\n\r\n`),
      say(http, `POST /v1/auth/refresh HTTP/1.1\r\nHost: a\r\nX-Request-ID: ${each}\r\nContent-Length: 99\r\n\r\nx`),
    ]);
  }
}

/** Says that, and goes away. */
async function say(port: number, text: string): Promise<void> {
  const socket = connect(port, "127.0.0.1").on("error", () => undefined);
  socket.end(text);
  await once(socket.resume(), "close");
}

/** How many series of ours there are: the process's own come with what its collector does. */
async function seriesOf({ ports: { ops } }: RunningService): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${ops}/metrics`)).text();
  return text.split("\n").filter((line) => line.startsWith("sluice_")).length;
}

/** The most lines of one kind that were written within one second. */
function mostLinesASecond(output: string): number {
  const counts = new Map<string, number>();
  for (const text of output.split("\n").filter((each) => each.startsWith("{"))) {
    const line = JSON.parse(text) as { readonly time: string; readonly msg: string; readonly "error.type"?: string };
    const kind = `${line.time.slice(0, "2026-01-01T00:00:00".length)} ${line.msg} ${line["error.type"]}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return Math.max(...counts.values());
}

test.each([
  ["the edge", () => edge],
  ["auth", () => auth],
  ["policy", () => policy],
])("%s has no line and no series for each bad input", async (_, service) => {
  const running = service();
  await sendBadInputs(running, "first", INPUTS / 4);
  const series = await seriesOf(running);
  await sendBadInputs(running, "second", INPUTS);
  expect(await seriesOf(running)).toBe(series);
  // Fifty in a second of the limit's own, which lie in two of the clock's.
  expect(mostLinesASecond(running.child.output())).toBeLessThanOrEqual(100);
});
