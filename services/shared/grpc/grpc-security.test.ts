import { writeFile } from "node:fs/promises";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "#proto/grpc/health/v1/health.ts";
import { createHealthClient } from "#test/support/health-client.ts";
import { createTestCertificates, type TestCertificates, type TlsEnvironment } from "#test/support/tls.ts";
import { waitFor } from "#test/support/wait.ts";
import { callUnary } from "./call-unary.ts";
import { type GrpcSecurity, openGrpcSecurity } from "./grpc-security.ts";
import { type GrpcServer, startGrpcServer } from "./start-server.ts";

const ADDRESS = { host: "127.0.0.1", port: 0, setting: "NONE" };
let lines: string[];
let stack: AsyncDisposableStack;
let certificates: TestCertificates;
let auth: TlsEnvironment;
let stream: GrpcSecurity;
let server: GrpcServer;

beforeEach(async () => {
  lines = [];
  stack = new AsyncDisposableStack();
  certificates = stack.use(await createTestCertificates());
  auth = await certificates.issue("auth");
  stream = await open(await certificates.issue("stream"), "stream.sluice");
  server = stack.use(await startGrpcServer(ADDRESS, [], await open(auth, "auth.sluice")));
  server.setServing(true);
});

afterEach(() => stack.disposeAsync());

async function open(settings: TlsEnvironment, name: string): Promise<GrpcSecurity> {
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  return stack.use(await openGrpcSecurity(settings, name, log));
}

/** Asks over a connection of its own. */
async function check(security: GrpcSecurity, serverName = "auth.sluice"): Promise<ServingStatus> {
  const client = createHealthClient(server.port, security.channelTo(serverName));
  stack.defer(() => client.close());
  const { status } = await callUnary(client.check.bind(client), { service: "" }, { timeoutMs: 30_000 });
  return status;
}

function says(text: string): number {
  return lines.filter((line) => line.includes(text)).length;
}

test("two services of one authority speak to each other, and only to whom they mean", async () => {
  expect(await check(stream)).toBe(ServingStatus.SERVING);
  await expect(check(stream, "policy.sluice")).rejects.toMatchObject({ code: "unavailable" });
});

test("new certificates are taken up by both ends as they run, and a call that is open goes on", async () => {
  const late = await open(await certificates.issue("late", { dnsName: "stream.sluice" }), "stream.sluice");
  const watching = createHealthClient(server.port, stream.channelTo("auth.sluice"));
  stack.defer(() => watching.close());
  const watch = watching.watch({ service: "" });
  const seen: ServingStatus[] = [];
  watch.on("data", ({ status }: HealthCheckResponse) => seen.push(status)).on("error", () => {});
  await waitFor("the watch has begun", () => seen.length === 1);

  const { authority } = stack.use(await createTestCertificates());
  await certificates.issue("auth", { authority });
  await certificates.issue("stream", { authority });
  await waitFor("both took them up", () => says("the certificate for gRPC was replaced") === 2);
  expect(await check(stream)).toBe(ServingStatus.SERVING);
  await expect(check(late)).rejects.toMatchObject({ code: "unavailable" });

  server.setServing(false);
  await waitFor("the old call hears of it", () => seen.at(-1) === ServingStatus.NOT_SERVING);
  watch.cancel();
});

test("files that do not belong together change nothing, and are told once", async () => {
  await writeFile(auth.GRPC_TLS_KEY_FILE, "half a ke");
  await waitFor("the fault is told", () => says("GRPC_TLS_KEY_FILE") === 1);
  expect(await check(stream)).toBe(ServingStatus.SERVING);
  await certificates.issue("auth");
  await waitFor("the next ones are taken up", () => says("the certificate for gRPC was replaced") === 1);
  expect(says("GRPC_TLS_KEY_FILE")).toBe(1);
  expect(await check(stream)).toBe(ServingStatus.SERVING);
});

test.each(["127.0.0.1", "127.8.8.8", "::1", "localhost"])("plain text may listen on %s", async (address) => {
  const log = pino({ level: "silent" });
  await expect(openGrpcSecurity({}, "auth.sluice", log, address)).resolves.toBeDefined();
});

test.each(["0.0.0.0", "::", "10.0.0.7", "auth.internal", ""])(
  "plain text does not listen on %j, where strangers may be, unless that is allowed",
  async (address) => {
    const log = pino({ level: "silent" });
    await expect(openGrpcSecurity({}, "auth.sluice", log, address)).rejects.toThrow(
      /in plain text.*GRPC_TLS_CERT_FILE.*GRPC_PLAINTEXT=allow/,
    );
    const allowed = openGrpcSecurity({ GRPC_PLAINTEXT: "allow" }, "auth.sluice", log, address);
    await expect(allowed).resolves.toBeDefined();
    stack.use(await openGrpcSecurity(auth, "auth.sluice", log, address));
  },
);
