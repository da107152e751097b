import { expect, test } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { createSessionRevoker } from "./revoke-session.ts";

type Step = "record" | "announce" | "end" | "settle" | "audit";

/** A revoker whose steps only note that they ran; one of them fails. */
function revoker(failing?: Step) {
  const steps: Step[] = [];
  const step = (name: Step) => async () => {
    steps.push(name);
    if (name === failing) throw new AppError("unavailable", `${name} failed`);
  };
  const revoke = createSessionRevoker({
    revocations: {
      isSettled: async () => steps.includes("settle"),
      record: step("record"),
      settle: step("settle"),
      includes: async () => false,
    },
    announce: step("announce"),
    sessions: { end: step("end") },
    audit: { note: () => {}, record: step("audit") },
    log: limitLines(createLogger("test", "silent")),
  });
  return {
    steps,
    revoke: () => revoke({ tenant: "acme", sid: "S1", subject: "ann", loginAt: "" }, { reason: "logout" }),
  };
}

test("a revocation is recorded, then announced in the log, then marked in Redis and audited, once", async () => {
  const { steps, revoke } = revoker();
  await Promise.all([revoke(), revoke()]);
  await revoke();
  expect(steps).toEqual(["record", "announce", "end", "settle", "audit"]);
});

test("what was not recorded is not announced, and what was not announced is not answered", async () => {
  for (const [failing, ran] of [
    ["record", ["record"]],
    ["announce", ["record", "announce"]],
  ] as const) {
    const { steps, revoke } = revoker(failing);
    await expect(revoke()).rejects.toThrow(`${failing} failed`);
    expect(steps).toEqual(ran);
  }
});

test("a Redis that is down never blocks a revocation", async () => {
  await expect(revoker("end").revoke()).resolves.toBeUndefined();
});
