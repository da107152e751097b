import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type BootLog, integerSchema, portSchema, readConfig } from "./read-config.ts";

const schema = z.object({
  AUTH_HTTP_PORT: portSchema.default(8081).describe("the port of `auth`"),
  STREAM_FLUSH_MS: integerSchema(0, 50).default(5).describe("the flush"),
  NATS_URL: z
    .url({ protocol: /^nats$/, error: "must be nats://user:password@host:port" })
    .meta({ description: "where NATS is", example: "nats://h:4222" }),
  POLICY_DOCUMENTS_DIR: z.string().optional().describe("the folder"),
  POLICY_OPERATOR_TOKEN: z
    .string()
    .min(16, "must be 16 characters")
    .optional()
    .meta({ description: "the token", secret: true }),
  SLUICE_DEMO: z.enum(["0", "1"]).default("0").describe("the demo"),
});
const NATS_URL = "nats://a:s3cret@h:4222";

function faultsOf(env: NodeJS.ProcessEnv): string {
  try {
    readConfig(schema, env);
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

describe("a port", () => {
  test.each(["0", "8081", "65535"])("may be %s", (port) => {
    expect(readConfig(schema, { NATS_URL, AUTH_HTTP_PORT: port }).AUTH_HTTP_PORT).toBe(Number(port));
  });

  test.each(["0x1F90", "1e3", "8 0", "80.5", "65536", "-1", "+80", "080", "80a", "١٢", "Infinity"])(
    "is not %j",
    (port) => {
      expect(faultsOf({ NATS_URL, AUTH_HTTP_PORT: port })).toBe(
        `these settings are wrong:\n  AUTH_HTTP_PORT: must be a port, a whole number from 0 to 65535; it is ${JSON.stringify(port)} (the port of auth)`,
      );
    },
  );

  test("that Kubernetes overwrote for a service of that name is refused with what to do about it", () => {
    const faults = faultsOf({ NATS_URL, AUTH_HTTP_PORT: "tcp://10.0.0.1:8081" });
    expect(faults).toMatch(
      /AUTH_HTTP_PORT: must be a port.*"tcp:\/\/10\.0\.0\.1:8081".*Kubernetes.*enableServiceLinks: false/,
    );
    expect(faults).not.toContain("not set");
  });
});

test("blanks and line ends around a value are none of it, and alone they are no value", () => {
  const config = readConfig(schema, {
    NATS_URL: `${NATS_URL}\n`,
    POLICY_DOCUMENTS_DIR: " /etc/my policies\r\n",
    POLICY_OPERATOR_TOKEN: "a-token-of-an-operator\n",
    AUTH_HTTP_PORT: " \n",
  });
  expect(config).toMatchObject({
    NATS_URL,
    POLICY_DOCUMENTS_DIR: "/etc/my policies",
    POLICY_OPERATOR_TOKEN: "a-token-of-an-operator",
    AUTH_HTTP_PORT: 8081,
  });
});

describe("wrong settings", () => {
  test("are named all at once, each with its value and what is expected", () => {
    expect(faultsOf({ STREAM_FLUSH_MS: "51", SLUICE_DEMO: "yes" })).toMatch(
      /STREAM_FLUSH_MS: must be a whole number from 0 to 50; it is "51" \(the flush\)\n {2}NATS_URL is not set: where NATS is, such as nats:\/\/h:4222\n {2}SLUICE_DEMO: .*"0"\|"1".*; it is "yes"/,
    );
  });

  test("of which several together are wrong are told without a name", () => {
    const rules = schema.check(
      ({ issues, value }) => void issues.push({ code: "custom", path: [], input: value, message: "A or B" }),
    );
    expect(() => readConfig(rules, { NATS_URL })).toThrow("these settings are wrong:\n  A or B");
  });

  test("show no secret", () => {
    const faults = faultsOf({ NATS_URL: "http://auth:s3cret@h:4222", POLICY_OPERATOR_TOKEN: "tooshort" });
    expect(faults).toContain('NATS_URL: must be nats://user:password@host:port; it is "http://***@h:4222"');
    expect(faults).toContain('POLICY_OPERATOR_TOKEN: must be 16 characters; it is "***"');
    expect(faults).not.toMatch(/s3cret|tooshort/);
  });

  test("that are not set for a misspelt name are told its name", () => {
    expect(faultsOf({ NATS_URI: "nats://h:4222" })).toContain(
      "NATS_URL is not set, but NATS_URI is: its name is wrong",
    );
  });
});

describe("the log of a start", () => {
  test("is what a config holds for people to ask for", () => {
    expect(readConfig(schema, { NATS_URL }).bySource).toMatchObject({ environment: { NATS_URL: "nats://***@h:4222" } });
  });

  function startWith(env: NodeJS.ProcessEnv): { facts: object; message: string }[] {
    const lines: { facts: object; message: string }[] = [];
    const write = (facts: object, message: string): void => void lines.push({ facts, message });
    const log: BootLog = { info: write, warn: write };
    readConfig(schema, env, { demo: { POLICY_DOCUMENTS_DIR: "infra/policies" }, log });
    return lines;
  }

  test("says what is set and from where, and no secret", () => {
    const env = { NATS_URL, SLUICE_DEMO: "1", AUTH_HTTP_PORT: "", POLICY_OPERATOR_TOKEN: "s3cret-s3cret-s3cret" };
    const [line, ...others] = startWith(env);
    expect(line).toEqual({
      message: "settings",
      facts: {
        environment: { NATS_URL: "nats://***@h:4222", POLICY_OPERATOR_TOKEN: "***", SLUICE_DEMO: "1" },
        demo: { POLICY_DOCUMENTS_DIR: "infra/policies" },
        default: { AUTH_HTTP_PORT: "8081", STREAM_FLUSH_MS: "5" },
      },
    });
    expect(others).toEqual([]);
  });

  test("warns of a variable that looks like a setting, with the one that it is most like", () => {
    expect(startWith({ NATS_URL, STREAM_FLUSHMS: "5" })[0]).toEqual({
      message: "this variable is no setting",
      facts: { variable: "STREAM_FLUSHMS", nearest: "STREAM_FLUSH_MS" },
    });
  });

  test("has nothing of the demo outside it; what the environment sets wins inside it", () => {
    expect(startWith({ NATS_URL })[0]?.facts).toMatchObject({ demo: {} });
    const own = startWith({ NATS_URL, SLUICE_DEMO: "1", POLICY_DOCUMENTS_DIR: "mine" })[0];
    expect(own?.facts).toMatchObject({ demo: {}, environment: { POLICY_DOCUMENTS_DIR: "mine" } });
  });
});
