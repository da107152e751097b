import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createUser } from "@nats-io/nkeys";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { startChild } from "#test/support/child.ts";
import { freePort } from "#test/support/ports.ts";
import { accepts } from "#test/support/takes-connections.ts";
import { createTestCertificates, type TestCertificates, type TlsEnvironment } from "#test/support/tls.ts";
import { waitFor } from "#test/support/wait.ts";
import { connectNats } from "./connect-nats.ts";
import { readNatsSettings } from "#test/support/connect-service.ts";

const log = createLogger("test", "silent");
const JETSTREAM = "jetstream: enabled";

let folder: string;
let certificates: TestCertificates;
let ofServer: TlsEnvironment;
let ofService: TlsEnvironment;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-connect-nats-"));
  certificates = await createTestCertificates();
  ofServer = await certificates.issue("nats", { dnsName: "localhost" });
  ofService = await certificates.issue("auth");
});
afterAll(async () => {
  await certificates[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Starts nats-server with that configuration; answers its port. */
async function startServer(stack: AsyncDisposableStack, configuration: string): Promise<number> {
  const port = await freePort();
  const config = join(folder, `${port}.conf`);
  await writeFile(config, `port: ${port}\njetstream { store_dir: "${join(folder, String(port))}" }\n${configuration}`);
  const child = startChild("nats-server", ["-c", config, "-a", "127.0.0.1"], {});
  stack.defer(async () => void (await child.end("SIGKILL")));
  await waitFor("nats-server listens", () => child.process.exitCode !== null || accepts(port));
  if (child.process.exitCode !== null) throw new Error(child.output());
  return port;
}

/** What a service says that starts with these settings. */
async function outcomeOf(env: NodeJS.ProcessEnv): Promise<string> {
  try {
    const connection = await connectNats(readNatsSettings(env), "auth", log);
    const server = connection.getServer();
    await connection.close();
    return `connected to ${server}`;
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

const fileOf = async (name: string, text: string): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
};

describe("a service connects to NATS", () => {
  test("with a list of servers, of which one is gone, and a password of any characters", async () => {
    await using stack = new AsyncDisposableStack();
    const password = "p@ss/w:o#rd%,?é";
    const port = await startServer(stack, `authorization { user: auth, password: ${JSON.stringify(password)} }`);
    const at = `127.0.0.1:${await freePort()},127.0.0.1:${port}`;
    const url = `nats://auth:${encodeURIComponent(password)}@${at}`;
    expect(await outcomeOf({ NATS_URL: url })).toBe(`connected to 127.0.0.1:${port}`);
  });

  test("with an NKey, whose replies come under the name of the service", async () => {
    await using stack = new AsyncDisposableStack();
    const user = createUser();
    const rights = `permissions { publish: ">", subscribe: "_INBOX.auth.>" }`;
    const accounts = `accounts { A { ${JETSTREAM}, users: [{ nkey: ${user.getPublicKey()}, ${rights} }] } }`;
    const port = await startServer(stack, accounts);
    const seed = new TextDecoder().decode(user.getSeed());
    const env = { NATS_URL: `nats://127.0.0.1:${port}`, NATS_NKEY_FILE: await fileOf("auth.nk", `${seed}\n`) };
    expect(await outcomeOf(env)).toContain("connected");
    const other = await fileOf("other.nk", new TextDecoder().decode(createUser().getSeed()));
    expect(await outcomeOf({ ...env, NATS_NKEY_FILE: other })).toMatch(/^BootError.*does not accept.*NATS_NKEY_FILE/);
    const both = { ...env, NATS_URL: `nats://auth:x@127.0.0.1:${port}` };
    expect(await outcomeOf(both)).toMatch(/the user in NATS_URL and NATS_NKEY_FILE both say who/);
    expect(await outcomeOf({ ...env, NATS_NKEY_FILE: "/missing" })).toMatch(/^BootError: NATS_NKEY_FILE.*ENOENT/);
    const wrong = await fileOf("wrong.nk", "no seed");
    expect(await outcomeOf({ ...env, NATS_NKEY_FILE: wrong })).toMatch(/^BootError: NATS_NKEY_FILE.*a seed/);
    expect(await outcomeOf({ NATS_URL: env.NATS_URL, NATS_CREDS_FILE: wrong })).toMatch(/^BootError: NATS_CREDS_FILE/);
  });

  test("over TLS with an own authority and a client's certificate, and is told what is missing", async () => {
    await using stack = new AsyncDisposableStack();
    const { GRPC_TLS_CERT_FILE: cert, GRPC_TLS_KEY_FILE: key, GRPC_TLS_CA_FILE: ca } = ofServer;
    const tls = `cert_file: "${cert}", key_file: "${key}", ca_file: "${ca}"`;
    const [verifying, first, plain] = await Promise.all([
      startServer(stack, `tls { ${tls}, verify: true }`),
      startServer(stack, `tls { ${tls}, handshake_first: true }`),
      startServer(stack, ""),
    ]);
    const trusting = { NATS_TLS_CA_FILE: ofService.GRPC_TLS_CA_FILE };
    const known = {
      ...trusting,
      NATS_TLS_CERT_FILE: ofService.GRPC_TLS_CERT_FILE,
      NATS_TLS_KEY_FILE: ofService.GRPC_TLS_KEY_FILE,
    };
    const at = (port: number, scheme = "tls") => ({ NATS_URL: `${scheme}://localhost:${port}` });
    expect(await outcomeOf({ ...at(verifying), ...known })).toContain("connected");
    expect(await outcomeOf({ ...at(verifying, "nats"), ...known })).toContain("connected");
    expect(await outcomeOf({ ...at(verifying), ...trusting })).toMatch(
      /^BootError.*client's certificate: set NATS_TLS_CERT/,
    );
    expect(await outcomeOf(at(verifying))).toMatch(/^BootError.*set NATS_TLS_CA_FILE/);
    expect(await outcomeOf({ ...at(first), ...trusting, NATS_TLS_FIRST: "1" })).toContain("connected");
    expect(await outcomeOf({ ...at(first), ...trusting })).toMatch(/^BootError.*set NATS_TLS_FIRST=1/);
    expect(await outcomeOf({ ...at(plain), ...trusting })).toMatch(/^BootError[^]*does not speak TLS/);
    expect(await outcomeOf({ ...at(plain), NATS_TLS_FIRST: "1" })).toMatch(/^BootError[^]*does not speak TLS/);
  });
});

describe("a service that cannot use NATS says why:", () => {
  test("a wrong password, no such user, nobody there, no such name", async () => {
    await using stack = new AsyncDisposableStack();
    const port = await startServer(stack, "authorization { user: auth, password: secret }");
    const wrong = await outcomeOf({ NATS_URL: `nats://auth:hunter2@127.0.0.1:${port}` });
    expect(wrong).toMatch(/^BootError.*does not accept the user auth or its password/);
    expect(wrong).not.toContain("hunter2");
    expect(await outcomeOf({ NATS_URL: `nats://127.0.0.1:${port}` })).toMatch(/does not accept who the service is/);
    expect(await outcomeOf({ NATS_URL: `nats://127.0.0.1:${await freePort()}` })).toMatch(/nothing listens there/);
    expect(await outcomeOf({ NATS_URL: "nats://nats.invalid" })).toMatch(/nobody knows that name/);
    expect(await outcomeOf({ NATS_URL: "nats://auth:100%@h" })).toMatch(
      /^BootError[^]*NATS_URL: .*write a % itself as %25/,
    );
    expect(await outcomeOf({ NATS_URL: "nats://auth@h" })).toMatch(/NATS_URL: names a user without a password/);
    expect(await outcomeOf({ NATS_URL: "nats://h/x" })).toMatch(/NATS_URL: has a path/);
  });

  test("an account without JetStream, and a subject that the user may not use", async () => {
    await using stack = new AsyncDisposableStack();
    const none = await startServer(stack, "accounts { A { users: [{ user: a, password: a }] } }");
    expect(await outcomeOf({ NATS_URL: `nats://a:a@127.0.0.1:${none}` })).toMatch(
      /^BootError: JetStream does not answer/,
    );
    const denied = `accounts { A { ${JETSTREAM}, users: [{ user: a, password: a, permissions { publish: "x" } }] } }`;
    const port = await startServer(stack, denied);
    expect(await outcomeOf({ NATS_URL: `nats://a:a@127.0.0.1:${port}` })).toMatch(
      /^BootError: NATS does not let this user publish \$JS\.API\.INFO/,
    );
  });
});
