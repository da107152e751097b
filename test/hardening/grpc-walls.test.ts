import { readFile } from "node:fs/promises";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SessionServiceService } from "#proto/auth/v1/session.ts";
import { HealthService } from "#proto/grpc/health/v1/health.ts";
import { ServerReflectionService } from "#proto/grpc/reflection/v1/reflection.ts";
import { AuthorizationService } from "#proto/envoy/service/auth/v3/external_auth.ts";
import { DecisionServiceService } from "#proto/policy/v1/decision.ts";
import { clientChannelOptions } from "#shared/grpc/channel-options.ts";
import { type GrpcChannel, openGrpcSecurity, plaintext } from "#shared/grpc/grpc-security.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { openEventStream } from "#test/support/event-stream.ts";
import { authSettings } from "#test/support/start-auth.ts";
import { startService } from "#test/support/start-service.ts";
import { type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";
import { createTestCertificates, type IdentityOptions, type TestCertificates } from "#test/support/tls.ts";

const DAY_MS = 86_400_000;
const log = createLogger("test", "silent");
let certificates: TestCertificates;
let foreign: TestCertificates;
let stack: Stack;

beforeAll(async () => {
  certificates = await createTestCertificates();
  foreign = await createTestCertificates();
  stack = await startStack({
    auth: { ...(await certificates.issue("auth")) },
    policy: { ...(await certificates.issue("policy")) },
    stream: { ...(await certificates.issue("stream")) },
  });
});

afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await certificates[Symbol.asyncDispose]();
  await foreign[Symbol.asyncDispose]();
});

const SESSION_CALLERS = {
  checkSessions: ["stream", "policy"],
  findSubjects: ["policy", "stream"],
  renewAccess: ["stream", "policy"],
  bindToken: ["stream"],
  endTenant: ["policy"],
  restartTenant: ["policy"],
} as const satisfies Record<keyof typeof SessionServiceService, readonly string[]>;

/** Each door that a call may come in at, with the names that may use it. */
const METHODS = [
  ...Object.entries(SessionServiceService).map(([method, { path }]) => ({
    server: "auth" as const,
    path,
    may: [...SESSION_CALLERS[method as keyof typeof SESSION_CALLERS]] as string[],
  })),
  ...[DecisionServiceService.resolve, DecisionServiceService.decide].map(({ path }) => ({
    server: "policy" as const,
    path,
    may: ["stream", "auth"],
  })),
];
/** Doors on the same ports, which are for others. What TLS does to strangers it does before a method is known. */
const MORE_METHODS = [
  { server: "policy" as const, path: DecisionServiceService.mapResources.path, may: ["stream"] },
  { server: "policy" as const, path: DecisionServiceService.checkBatch.path, may: ["gateway"] },
  { server: "policy" as const, path: DecisionServiceService.explain.path, may: ["gateway"] },
  { server: "policy" as const, path: AuthorizationService.check.path, may: ["gateway"], admitted: status.OK },
];
const HEALTH = (["auth", "policy"] as const).map((server) => ({ server, path: HealthService.check.path }));
const REFLECTION = HEALTH.map((each) => ({ ...each, path: ServerReflectionService.serverReflectionInfo.path }));
const REFUSED_BY_TLS = [status.UNAVAILABLE, status.DEADLINE_EXCEEDED];

/** Calls a method with an empty message and answers the status. */
async function call(server: "auth" | "policy", path: string, channel: GrpcChannel): Promise<status> {
  const options = { ...channel.options, "grpc.use_local_subchannel_pool": 1 };
  const client = new Client(`127.0.0.1:${stack[server].ports.grpc}`, channel.credentials, options);
  const same = (bytes: Buffer): Buffer => bytes;
  const settled = await new Promise<ServiceError | null>((resolve) => {
    client.makeUnaryRequest(
      path,
      same,
      same,
      Buffer.alloc(0),
      new Metadata(),
      { deadline: Date.now() + 20_000 },
      resolve,
    );
  });
  client.close();
  return settled?.code ?? status.OK;
}

/** Calls as somebody with this certificate, who believes our servers. */
async function callAs(server: "auth" | "policy", path: string, dnsName: string, options: IdentityOptions = {}) {
  const trusted = certificates.authority.certificate;
  const files = await certificates.issue("caller", { ...options, dnsName, trusted });
  // What a service would refuse to boot with, an attacker uses all the same.
  const [ca, key, cert] = await Promise.all([
    readFile(files.GRPC_TLS_CA_FILE),
    readFile(files.GRPC_TLS_KEY_FILE),
    readFile(files.GRPC_TLS_CERT_FILE),
  ]);
  const override = { "grpc.ssl_target_name_override": `${server}.sluice` };
  return call(server, path, {
    credentials: credentials.createSsl(ca, key, cert),
    options: { ...clientChannelOptions, ...override },
  });
}

describe.each([...METHODS, ...HEALTH, ...REFLECTION])("a stranger is refused by $server, $path", ({ server, path }) => {
  test("in plaintext", async () => {
    expect(REFUSED_BY_TLS).toContain(await call(server, path, plaintext.channelTo(`${server}.sluice`)));
  });

  test("without a certificate", async () => {
    const options = { ...clientChannelOptions, "grpc.ssl_target_name_override": `${server}.sluice` };
    const ca = Buffer.from(certificates.authority.certificate);
    expect(REFUSED_BY_TLS).toContain(await call(server, path, { credentials: credentials.createSsl(ca), options }));
  });

  test("with the right name from an authority of his own", async () => {
    const answer = await callAs(server, path, "stream.sluice", { authority: foreign.authority });
    expect(REFUSED_BY_TLS).toContain(answer);
  });

  test("with a certificate that has expired", async () => {
    const now = new Date(Date.now() - 2 * DAY_MS);
    expect(REFUSED_BY_TLS).toContain(await callAs(server, path, "stream.sluice", { now }));
  });
});

describe.each([...METHODS, ...MORE_METHODS])("$path", ({ server, path, may, ...rest }) => {
  // An empty question is malformed; whoever is told so was let in. Envoy is told of a denial in an answer.
  const admitted = "admitted" in rest ? rest.admitted : status.INVALID_ARGUMENT;

  test.each(may.map((name) => `${name}.sluice`))("is for %s", async (name) => {
    expect(await callAs(server, path, name)).toBe(admitted);
  });

  const others = ["auth", "policy", "stream", "gateway"]
    .filter((name) => !may.includes(name))
    .map((name) => `${name}.sluice`);
  const lookalikes = ["*.sluice", "stream", "stream.sluice.example", "x.stream.sluice", "streamxsluice"];
  test.each([...others, ...lookalikes])("is not for %s", async (name) => {
    expect(await callAs(server, path, name)).toBe(status.PERMISSION_DENIED);
  });
});

test.each(HEALTH)("$server tells its health to everybody with a certificate of ours", async ({ server, path }) => {
  expect(await callAs(server, path, "monitor.sluice")).toBe(status.OK);
});

test("a client speaks to no server but the one it means, though it is of our own authority", async () => {
  using security = await openGrpcSecurity(
    await certificates.issue("edge", { dnsName: "stream.sluice" }),
    "stream.sluice",
    log,
  );
  const [method] = METHODS;
  expect(await call("auth", method?.path ?? "", security.channelTo("auth.sluice"))).toBe(status.INVALID_ARGUMENT);
  expect(REFUSED_BY_TLS).toContain(await call("auth", method?.path ?? "", security.channelTo("policy.sluice")));
});

test("an event gets through the stack over mutual TLS", async () => {
  const { access_token: token } = await stack.login("alice");
  await using stream = await openEventStream(`${stack.streamUrl}/v1/stream?topic=issues.>`, { token });
  await stream.frame("ready");
  const bus = await stack.bus("demo");
  await bus.publish("events.demo.issues.opened.x", '{"hello":"world"}');
  expect(await stream.receive(1)).toEqual(['{"hello":"world"}']);
});

test.each(["auth", "policy", "stream"] as const)(
  "%s does not boot with a certificate that has expired",
  async (name) => {
    const expired = await foreign.issue(name, { now: new Date(Date.now() - 2 * DAY_MS) });
    const env = { ...authSettings(stack.nats, stack.redis), NATS_URL: stack.nats.url(name), ...expired };
    const jwks = { AUTH_JWKS_URL: `${stack.authUrl}/.well-known/jwks.json` };
    await expect(startService(name, { ...env, ...jwks })).rejects.toThrow(
      /GRPC_TLS_CERT_FILE: .*cert\.pem expired on /,
    );
  },
);

test("a service does not boot with half of its TLS settings", async () => {
  const { GRPC_TLS_KEY_FILE: _, ...half } = await foreign.issue("auth");
  const env = authSettings(stack.nats, stack.redis);
  await expect(startService("auth", { ...env, ...half })).rejects.toThrow("set GRPC_TLS_KEY_FILE");
});

test("another authority takes over from ours while streams go on, and what ours signed is a stranger's then", async () => {
  const { access_token: token } = await stack.login("alice");
  await using stream = await openEventStream(`${stack.streamUrl}/v1/stream?topic=issues.>`, { token });
  await stream.frame("ready");
  const [method] = METHODS;
  const asOurs = await certificates.issue("late", { dnsName: "stream.sluice" });
  using late = await openGrpcSecurity(asOurs, "stream.sluice", log);
  const { authority } = foreign;
  const services = { auth: stack.auth, policy: stack.policy, stream: stack.edge };
  for (const [name, { child }] of Object.entries(services)) {
    await certificates.issue(name, { authority });
    await waitFor(`${name} takes it up`, () => child.output().includes("the certificate for gRPC was replaced"));
  }

  const asTheirs = await certificates.issue("early", { authority, dnsName: "stream.sluice" });
  using early = await openGrpcSecurity(asTheirs, "stream.sluice", log);
  expect(await call("auth", method?.path ?? "", early.channelTo("auth.sluice"))).toBe(status.INVALID_ARGUMENT);
  expect(REFUSED_BY_TLS).toContain(await call("auth", method?.path ?? "", late.channelTo("auth.sluice")));

  const bus = await stack.bus("demo");
  await bus.publish("events.demo.issues.opened.x", "after");
  expect(await stream.receive(1)).toEqual(["after"]);
  // A new edge knows no old connection.
  const edge = await stack.startEdge();
  await using other = await openEventStream(`http://127.0.0.1:${edge.ports.http}/v1/stream?topic=issues.>`, { token });
  await other.frame("ready");
});
