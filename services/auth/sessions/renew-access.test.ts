import { expect, test } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { systemClock } from "#shared/time/clock.ts";
import { formatRefreshToken } from "../tokens/refresh-token.ts";
import { createAccessRenewal } from "./renew-access.ts";
import type { RevokeSession } from "./revoke-session.ts";

const KEY = new Uint8Array(32);
const SESSION = { tenant: "acme", sid: "S1", subject: "ann", loginAt: "2026-01-01T00:00:00Z" };

/** Renews a token that was spent before, whose family is ended in this way. */
function renewSpent(revoke: RevokeSession) {
  const renew = createAccessRenewal({
    sessions: { renew: async () => ({ verdict: "reused", session: SESSION }) as never },
    revocations: { includes: async () => false },
    findSubject: () => undefined,
    revoke,
    issueTokens: () => Promise.reject(new Error("nothing is issued for a spent token")),
    keys: { refresh: [KEY] },
    accessTokenSeconds: 60,
    audit: { note: () => {} },
    clock: systemClock,
    log: limitLines(createLogger("test", "silent")),
  });
  return renew(formatRefreshToken({ family: "S1", generation: 1 }, KEY), "stream");
}

test("a spent token ends its family, and is answered by itself where that end is refused or late: others ask in the same call", async () => {
  const ended: string[] = [];
  expect(await renewSpent(async (_, { reason }) => void ended.push(reason))).toBe("reused");
  expect(ended).toEqual(["reused"]);
  expect(await renewSpent(() => Promise.reject(new AppError("unavailable", "the log takes nothing")))).toBe(
    "unavailable",
  );
  const never = Promise.withResolvers<void>();
  expect(await renewSpent(() => never.promise)).toBe("unavailable");
  never.reject(new AppError("unavailable", "the log takes nothing"));
});

test("what is wrong with auth itself is told", async () => {
  await expect(renewSpent(() => Promise.reject(new Error("a fault")))).rejects.toThrow("a fault");
});
