import { expect, test } from "vitest";
import type { AuditEntry } from "./audit.ts";
import { limitRefusals } from "./limit-refusals.ts";

const refusalOf = (tenant: string): AuditEntry => ({ tenant, event: "login_refused" });

test("refused logins of however many tenants take a share of the trail, and everything else stands in it", async () => {
  const written: AuditEntry[] = [];
  const trail = { note: (entry: AuditEntry) => void written.push(entry), record: async () => undefined };
  let [time, leftOut] = [0, 0];
  // A quarter of 16 KiB holds four entries of 1 KiB.
  const audit = limitRefusals(trail, { maxBytes: 16_384, now: () => time, onLeftOut: () => (leftOut += 1) });
  for (let index = 0; index < 6; index += 1) audit.note(refusalOf(`tenant-${index}`));
  expect([written.length, leftOut]).toEqual([4, 2]);
  audit.note({ tenant: "acme", event: "revoked" });
  expect(written.at(-1)?.event).toBe("revoked");
  time += (90 * 86_400_000) / 4;
  audit.note(refusalOf("a"));
  audit.note(refusalOf("b"));
  expect([written.length, leftOut]).toEqual([6, 3]);
});
