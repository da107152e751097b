import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { dirname, join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { remoteKeys } from "#shared/tokens/remote-keys.ts";
import { verifyAccessToken } from "#shared/tokens/verify-access-token.ts";
import { authSettings, type AuthStack, DEMO_PASSWORD, readAudit, startAuthStack } from "#test/support/start-auth.ts";
import { startService } from "#test/support/start-service.ts";
import { createTestCertificates, type IdentityOptions, type TestCertificates } from "#test/support/tls.ts";
import { waitFor } from "#test/support/wait.ts";

const SECRET = "$argon2id$v=19$m=19456,t=2,p=1$qRGlvrdPNUc9WA1zJSIV4A$KtFpHDR4nzwJtc9EHOlG2lj+V1S/m2IJEltSuU2RdkY";
const CLIENTS = `
- { tenant: demo, client_id: robot, certificate: true }
- { tenant: demo, client_id: twin, certificate: true, secret: "${SECRET}" }
- { tenant: demo, client_id: reporter, secret: "${SECRET}" }
`;
const GRANT = { grant_type: "client_credentials" };
const basic = (id: string) => ({ authorization: `Basic ${Buffer.from(`${id}:${DEMO_PASSWORD}`).toString("base64")}` });

interface Identity {
  readonly cert?: string;
  readonly key?: string;
}

let resources: AsyncDisposableStack;
let certificates: TestCertificates;
let stack: AuthStack;
let tls: { readonly host: string; readonly port: number; readonly servername: string; readonly ca: string };
let settings: Record<"AUTH_TLS_PORT" | "AUTH_TLS_CERT_FILE" | "AUTH_TLS_KEY_FILE" | "AUTH_TLS_CLIENT_CA_FILE", string>;

beforeAll(async () => {
  resources = new AsyncDisposableStack();
  certificates = resources.use(await createTestCertificates());
  const { GRPC_TLS_CERT_FILE, GRPC_TLS_KEY_FILE, GRPC_TLS_CA_FILE } = await certificates.issue("auth");
  const files = { AUTH_TLS_CERT_FILE: GRPC_TLS_CERT_FILE, AUTH_TLS_KEY_FILE: GRPC_TLS_KEY_FILE };
  settings = { AUTH_TLS_PORT: "0", ...files, AUTH_TLS_CLIENT_CA_FILE: GRPC_TLS_CA_FILE };
  const clients = join(dirname(GRPC_TLS_CERT_FILE), "clients.yaml");
  await writeFile(clients, CLIENTS);
  stack = resources.use(
    await startAuthStack({ ...settings, AUTH_CLIENTS_FILE: clients, AUTH_TRUSTED_PROXIES: "127.0.0.1" }),
  );
  const port = Number(/"https":(\d+)/.exec(stack.auth.child.output())?.[1]);
  tls = { host: "127.0.0.1", port, servername: "auth.sluice", ca: certificates.authority.certificate };
});
afterAll(() => resources.disposeAsync());

/** A certificate whose common name is `name`, and its key. */
async function identityOf(name: string, options: IdentityOptions = {}): Promise<Identity> {
  const files = await certificates.issue(`client-${name}`, { dnsName: name, ...options });
  const read = (path: string): Promise<string> => readFile(path, "utf8");
  return { cert: await read(files.GRPC_TLS_CERT_FILE), key: await read(files.GRPC_TLS_KEY_FILE) };
}

async function post(
  path: string,
  form: Record<string, string>,
  identity: Identity = {},
  headers: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  const type = { "content-type": "application/x-www-form-urlencoded" };
  const options = { ...tls, ...identity, agent: new Agent(), method: "POST", path: `/v1/auth/${path}` };
  const sent = request({ ...options, headers: { ...type, ...headers } }).end(new URLSearchParams(form).toString());
  const [response] = await once(sent, "response");
  const body = await text(response);
  return { status: response.statusCode, ...(body === "" ? {} : (JSON.parse(body) as object)) };
}

async function refusalOf(answer: Promise<Record<string, unknown>>): Promise<string> {
  const { status, error } = await answer;
  return `${String(status)} ${String(error)}`;
}

describe("a client's certificate", () => {
  test("gets it a token of its tenant, with its id in the form or none", async () => {
    const robot = await identityOf("robot");
    const keys = remoteKeys(`${stack.url}/.well-known/jwks.json`);
    for (const form of [GRANT, { ...GRANT, client_id: "robot" }]) {
      const { status, access_token: token } = await post("token", form, robot);
      expect(status).toBe(200);
      const claims = await verifyAccessToken(String(token), keys, {
        issuer: "http://localhost:8081",
        audience: "sluice",
      });
      expect(claims).toMatchObject({ sub: "robot", client_id: "robot", tenant_id: "demo" });
    }
    const entry = expect.objectContaining({ subject: "robot", event: "client_token" });
    await expect.poll(() => readAudit(stack.nats, "demo")).toContainEqual(entry);
  });

  test("lets it introspect and revoke its tokens", async () => {
    const robot = await identityOf("robot");
    const { access_token } = await post("token", GRANT, robot);
    const token = String(access_token);
    expect(await post("introspect", { token }, robot)).toMatchObject({ active: true, sub: "robot" });
    expect(await refusalOf(post("revoke", { token }))).toBe("401 invalid_client");
    expect(await post("revoke", { token }, robot)).toEqual({ status: 200 });
    expect(await post("introspect", { token }, robot)).toEqual({ status: 200, active: false });
  });

  test("and a secret each do where a client has both, though not at once", async () => {
    const twin = await identityOf("twin");
    expect((await post("token", GRANT, twin))["status"]).toBe(200);
    expect((await post("token", GRANT, {}, basic("twin")))["status"]).toBe(200);
    expect(await refusalOf(post("token", GRANT, twin, basic("twin")))).toBe("400 invalid_request");
  });

  test.each([
    ["that no client has", "stranger", {}],
    ["of a user", "alice", {}],
    ["of a client that has a secret only", "reporter", {}],
    ["that is a wildcard", "*", {}],
    ["of another client than the form's", "robot", { client_id: "twin" }],
  ])("with a name %s is refused", async (_what, name, form: Record<string, string>) => {
    expect(await refusalOf(post("token", { ...GRANT, ...form }, await identityOf(name)))).toBe("401 invalid_client");
  });

  test("for nobody, again and again, is throttled", async () => {
    const nobody = await identityOf("nobody");
    for (let count = 0; count < 10; count++) expect((await post("token", GRANT, nobody))["status"]).toBe(401);
    expect((await post("token", GRANT, nobody))["status"]).toBe(429);
  });

  test("of a foreign authority, expired or not yet valid ends the connection", async () => {
    await using others = await createTestCertificates();
    const { authority } = others;
    const days = (count: number): Date => new Date(Date.now() + count * 86_400_000);
    for (const options of [{ authority }, { now: days(-2) }, { now: days(2) }]) {
      const bad = await identityOf("robot", options);
      await expect(post("token", GRANT, bad)).rejects.toMatchObject({ code: "ECONNRESET" });
      await expect(post("token", GRANT, bad, basic("reporter"))).rejects.toMatchObject({ code: "ECONNRESET" });
    }
  });

  test("is never taken from a header, by TLS or without", async () => {
    const { cert = "" } = await identityOf("robot");
    const inLine = encodeURIComponent(cert);
    const headers = { "x-client-cert": inLine, "x-ssl-client-cert": inLine, "x-ssl-client-s-dn": "CN=robot" };
    const form = { ...GRANT, client_id: "robot" };
    const forwarded = { ...headers, "x-forwarded-client-cert": `Cert="${inLine}";Subject="CN=robot"` };
    expect(await refusalOf(post("token", form, {}, forwarded))).toBe("401 invalid_client");
    const body = new URLSearchParams(form);
    expect((await fetch(`${stack.url}/v1/auth/token`, { method: "POST", body, headers: forwarded })).status).toBe(401);
  });
});

describe("the TLS port", () => {
  test("serves those without a certificate as the other one does", async () => {
    expect((await post("token", GRANT, {}, basic("reporter")))["status"]).toBe(200);
    expect(await refusalOf(post("token", GRANT))).toBe("401 invalid_client");
    expect(await refusalOf(post("token", GRANT, {}, basic("robot")))).toBe("401 invalid_client");
  });

  test("takes no address from a header, as a proxy that passes TLS through writes none", async () => {
    const forged = { "x-forwarded-for": "198.51.100.7" };
    const { session_id: sid } = await post("token", GRANT, await identityOf("twin"), forged);
    const entry = expect.objectContaining({ sid, address: "127.0.0.1" });
    await expect.poll(() => readAudit(stack.nats, "demo")).toContainEqual(entry);
  });

  test("speaks TLS 1.3 alone, and resumes no session", async () => {
    const robot = await identityOf("robot");
    const old = connect({ ...tls, ...robot, maxVersion: "TLSv1.2" });
    await expect(once(old, "secureConnect")).rejects.toThrow(/alert protocol version/);
    const sessions: Buffer[] = [];
    const open = (session?: Buffer): TLSSocket =>
      connect({ ...tls, ...robot, ...(session && { session }) }).on("session", (each: Buffer) => sessions.push(each));
    const first = open();
    await once(first, "secureConnect");
    first.write("GET /.well-known/jwks.json HTTP/1.1\r\nhost: auth\r\n\r\n");
    await once(first, "data");
    const second = open(sessions.at(-1));
    await once(second, "secureConnect");
    expect(second.isSessionReused()).toBe(false);
    for (const socket of [first, second]) socket.destroy();
  });

  test("is told in the metadata", async () => {
    const metadata = await (await fetch(`${stack.url}/.well-known/oauth-authorization-server`)).json();
    for (const endpoint of ["token", "revocation", "introspection"]) {
      expect(metadata).toHaveProperty(
        `${endpoint}_endpoint_auth_methods_supported`,
        expect.arrayContaining(["tls_client_auth"]),
      );
    }
  });

  test("takes up other authorities as it runs", async () => {
    await using others = await createTestCertificates();
    const stranger = await identityOf("robot", { authority: others.authority });
    const both = certificates.authority.certificate + others.authority.certificate;
    await writeFile(settings.AUTH_TLS_CLIENT_CA_FILE, both);
    await waitFor("auth takes them up", () => stack.auth.child.output().includes("the certificate for HTTPS was"));
    expect((await post("token", GRANT, stranger))["status"]).toBe(200);
  });
});

test("without the settings there is no TLS port, and with some of them auth does not start", async () => {
  const start = (env: object) => startService("auth", { ...authSettings(stack.nats, stack.redis), ...env });
  await using plain = await start({});
  expect(plain.child.output()).not.toContain('"https"');
  const url = `http://127.0.0.1:${plain.ports.http}/.well-known/oauth-authorization-server`;
  expect(await (await fetch(url)).text()).not.toContain("tls_client_auth");
  const { AUTH_TLS_KEY_FILE, ...others } = settings;
  await expect(start(others)).rejects.toThrow("set AUTH_TLS_KEY_FILE");
  await expect(start({ AUTH_TLS_KEY_FILE })).rejects.toThrow("set AUTH_TLS_PORT, AUTH_TLS_CERT_FILE");
  const missing = start({ ...settings, AUTH_TLS_CLIENT_CA_FILE: "/nowhere/ca.pem" });
  await expect(missing).rejects.toThrow("AUTH_TLS_CLIENT_CA_FILE: /nowhere/ca.pem cannot be read (ENOENT)");
});
