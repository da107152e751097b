import { expect, test } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { createSessionRevoker } from "./revoke-session.ts";

type Step = "record" | "announce" | "end" | "audit";

/** A revoker whose steps only note that they ran; one of them fails. */
function revoker(failing?: Step) {
  const steps: Step[] = [];
  const step = (name: Step) => async () => {
    steps.push(name);
    if (name === failing) throw new AppError("unavailable", `${name} failed`);
  };
  const revoke = createSessionRevoker({
    revocations: { record: step("record"), includes: async () => false },
    announce: step("announce"),
    sessions: { end: step("end") },
    audit: { note: () => {}, record: step("audit") },
    log: createLogger("test", "silent"),
  });
  return { steps, revoke: () => revoke({ tenant: "acme", sid: "S1", subject: "ann" }, { reason: "logout" }) };
}

test("a revocation is recorded, then announced in the log, then marked in Redis and audited", async () => {
  const { steps, revoke } = revoker();
  await revoke();
  expect(steps).toEqual(["record", "announce", "end", "audit"]);
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
