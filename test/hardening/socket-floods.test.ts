import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startIssuer } from "#test/support/start-issuer.ts";
import { startNats } from "#test/support/start-nats.ts";
import { readMetric } from "#test/support/read-metric.ts";
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
let edge: RunningService;
let policy: RunningService;

beforeAll(async () => {
  const nats = stack.use(await startNats());
  const issuer = stack.use(await startIssuer());
  const env = { AUTH_JWKS_URL: issuer.jwksUri, POLICY_OPERATOR_TOKEN: "an-operator-token-for-this-test" };
  const start = (name: "stream" | "policy") =>
    startService(name, { ...env, NATS_URL: nats.url(name) }, { descriptors: DESCRIPTORS });
  [edge, policy] = await Promise.all([start("stream"), start("policy")]);
  stack.use(edge);
  stack.use(policy);
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
      expect((await fetch(`http://127.0.0.1:${ports.ops}/${path}`)).status, path).toBe(200);
    }
    const honest = await fetch(`http://127.0.0.1:${ports.http}/v1/stream?topic=a`);
    expect([401, 404]).toContain(honest.status);
    // Twenty lines of a kind a second, and their sum.
    expect(child.output().split("\n").length - linesBefore).toBeLessThan(DESCRIPTORS / 2);
  });
});
