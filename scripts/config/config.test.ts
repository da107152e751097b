import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sluice } from "#test/support/run-sluice.ts";
import { SERVICES } from "../shared/service-calls.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-config-"));
});
afterAll(() => rm(folder, { recursive: true }));

const lines = async (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Record<string, unknown>[]> => {
  const { out } = await sluice(["config", ...args, "--json"], { env });
  return out.map((line) => JSON.parse(line) as Record<string, unknown>);
};

describe("sluice config list", () => {
  test("says of each setting its value, source, default and meaning, and hides secrets", async () => {
    const env = { NATS_URL: "nats://stream:pass@bus:4222", STREAM_HTTP_PORT: "9080", REDIS_URL: "" };
    const settings = new Map((await lines(["list", "stream"], env)).map((each) => [each["name"], each]));
    const port = { value: "9080", source: "environment", default: "8080" };
    expect(settings.get("STREAM_HTTP_PORT")).toMatchObject(port);
    expect(settings.get("NATS_URL")).toMatchObject({ value: "nats://***@bus:4222", source: "environment" });
    expect(settings.get("STREAM_OPS_PORT")).toMatchObject({ value: "8090", source: "default" });
    expect(settings.get("REDIS_URL")).toMatchObject({ source: "none" });
    expect(settings.get("STREAM_WORKERS")).toMatchObject({ meaning: expect.stringContaining("process") });
    const withSecret = await lines(["list", "policy", "--set"], { POLICY_OPERATOR_TOKEN: "a-secret-of-ours" });
    expect(withSecret).toEqual([
      expect.objectContaining({ name: "NATS_URL", source: "missing" }),
      expect.objectContaining({ name: "POLICY_OPERATOR_TOKEN", value: "***" }),
    ]);
  });

  test("names the file and the line that set a value, and the variables of npm start and compose", async () => {
    const file = join(folder, "ports.env");
    await writeFile(file, "# ports\nSLUICE_PORT_OFFSET=10000\nNATS_AUTH_PASSWORD=hidden\n");
    expect(await lines(["list", "tools", "--set", "--env-file", file])).toEqual([
      expect.objectContaining({ name: "SLUICE_PORT_OFFSET", value: "10000", source: `${file}:2`, default: "0" }),
      expect.objectContaining({ name: "NATS_AUTH_PASSWORD", value: "***", source: `${file}:3` }),
    ]);
  });
});

describe("sluice config check", () => {
  test("says everything that keeps a service from starting, and what is no setting", async () => {
    const file = join(folder, "stream.env");
    await writeFile(file, "NATS_URL=nats://stream:x@bus:4222\nSTREAM_HTTP_PORT=x\nSTREAM_WORKER=2\n");
    const { code } = await sluice(["config", "check", "stream", "--env-file", file]);
    expect(code).toBe(1);
    expect(await lines(["check", "stream", "--env-file", file])).toEqual([
      {
        service: "stream",
        kind: "warning",
        message: expect.stringMatching(/stream\.env:3: STREAM_WORKER: .*is STREAM_WORKERS meant/),
      },
      {
        service: "stream",
        kind: "error",
        message: expect.stringMatching(/stream\.env:2: STREAM_HTTP_PORT: must be a port.*\(the port of streams/),
      },
    ]);
  });

  test("has nothing to say of the demo", async () => {
    expect(await lines(["check", "--demo"])).toEqual(SERVICES.map((service) => ({ service, starts: true })));
  });
});

test.each([
  ["stream", { NATS_CREDS_FILE: "/a", NATS_NKEY_FILE: "/b" }, /the user in NATS_URL and NATS_CREDS_FILE and NATS_NKEY/],
  ["stream", { NATS_TLS_CERT_FILE: "/a" }, /NATS_TLS_CERT_FILE and NATS_TLS_KEY_FILE are set together or not at all/],
  ["publish", { REDIS_TLS_CA_FILE: "/a" }, /REDIS_TLS_CA_FILE: REDIS_URL is without TLS/],
  ["publish", { GRPC_TLS_CA_FILE: "/a" }, /are set together or not at all; set GRPC_TLS_CERT_FILE, GRPC_TLS_KEY_FILE/],
  ["policy", { POLICY_GRPC_BIND_ADDRESS: "0.0.0.0" }, /gRPC would listen on 0\.0\.0\.0 in plain text/],
  ["auth", { AUTH_TLS_PORT: "1" }, /set AUTH_TLS_CERT_FILE, AUTH_TLS_KEY_FILE, AUTH_TLS_CLIENT_CA_FILE/],
  ["auth", { AUTH_KEY_ENCRYPTION_KEY: "a", AUTH_KEY_ENCRYPTION_KEY_FILE: "/a" }, /not both/],
] as const)("what settings of %s ask of each other is checked: %j", async (service, env, fault) => {
  const faults = await lines(["check", service, "--demo"], env);
  expect(faults).toMatchObject([{ kind: "error", message: expect.stringMatching(fault) }]);
});

test("several rules that are broken are told together", async () => {
  const faults = await lines(["check", "auth", "--demo"], { AUTH_TLS_PORT: "1", AUTH_COOKIE_SAME_SITE: "none" });
  expect(faults).toHaveLength(2);
});

test("gRPC in plain text is taken where somebody says that no stranger reaches it", async () => {
  const env = { AUTH_GRPC_BIND_ADDRESS: "0.0.0.0", GRPC_PLAINTEXT: "allow" };
  expect(await lines(["check", "auth", "--demo"], env)).toEqual([{ service: "auth", starts: true }]);
});
