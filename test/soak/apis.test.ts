import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { runCommand } from "../../scripts/shared/run-command.ts";
import { startAcme } from "#test/rigs/acme.ts";
import { OPERATOR_TOKEN } from "#test/support/start-stack.ts";
import { amountOf, SEED_VARIABLE, timeoutOf } from "./amount.ts";

const SCHEMATHESIS = resolve(".sluice/schemathesis/bin/st");

/** Where it runs, and keeps what it found. */
const FOLDER = resolve(".sluice/schemathesis");

/** What Schemathesis tries of each call at most; none in the suite, which has neither the time nor the package. */
const cases = amountOf("apis", 0);

/** Streams go on for ever, and the end of the request's own session would be the end of the test. */
const LEFT_OUT = ["openStream", "tailEvents", "logOut"];

/** One person makes all the requests, from many addresses. */
const LIMITS = {
  policy: { POLICY_TRUSTED_PROXIES: "127.0.0.1" },
  auth: { AUTH_TRUSTED_PROXIES: "127.0.0.1", AUTH_ACCESS_TOKEN_SECONDS: "3600", AUTH_SESSION_SECONDS: "86400" },
  publish: {
    PUBLISH_TRUSTED_PROXIES: "127.0.0.1",
    PUBLISH_EVENTS_PER_SUBJECT_PER_MINUTE: "100000000",
    PUBLISH_EVENTS_PER_TENANT_PER_SECOND: "100000000",
  },
  stream: {
    STREAM_TRUSTED_PROXIES: "127.0.0.1",
    STREAM_CALLS_PER_SUBJECT_PER_MINUTE: "100000000",
    STREAM_ACKS_PER_SUBJECT_PER_MINUTE: "100000000",
  },
};

describe.skipIf(cases === 0).each(["auth", "policy", "publish", "stream"] as const)("the API of %s", (service) => {
  test(
    "answers whatever is made up from its document as the document says",
    { timeout: timeoutOf(60_000) },
    async () => {
      await using acme = await startAcme(LIMITS);
      const token = service === "policy" ? OPERATOR_TOKEN : (await acme.logIn()).access_token;
      const { code, stdout, stderr } = await runCommand(
        SCHEMATHESIS,
        [
          `--config-file=${resolve("test/soak/schemathesis/schemathesis.toml")}`,
          "run",
          resolve(`docs/reference/openapi/${service}.json`),
          `--url=${acme.urls[service]}`,
          `--header=Authorization: Bearer ${token}`,
          "--phases=examples,coverage,fuzzing",
          `--max-examples=${cases}`,
          `--seed=${process.env[SEED_VARIABLE] ?? "0"}`,
          ...LEFT_OUT.map((name) => `--exclude-operation-id=${name}`),
          "--continue-on-failure",
          "--generation-database=none",
          "--warnings=off",
          "--no-color",
        ],
        { cwd: FOLDER },
      );
      const [made = "no cases were made"] = /^ {2}\d+ generated.*$/m.exec(stdout) ?? [];
      process.stdout.write(`${service}:${made}\n`);
      expect(code === 0 ? "" : stdout.slice(-30_000) + stderr).toBe("");
    },
  );
});
