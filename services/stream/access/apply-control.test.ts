import { expect, test } from "vitest";
import { createRig } from "#test/rigs/edge-rig.ts";
import type { Work } from "../turns/share.ts";
import type { ControlEntry } from "../event.ts";
import { applyControl, invalidateSessions, revokeAll } from "./apply-control.ts";
import { STILL_VALID } from "./grant.ts";
import { type RegisteredStream, Registration } from "./registration.ts";
import type { TenantAccess } from "./tenant-access.ts";

const FOR_EVER = Number.POSITIVE_INFINITY;

/** A tenant with registrations of one grant, whose steps the test does. */
async function tenantOf(count: number) {
  const rig = createRig();
  const works: Work[] = [];
  const left: Registration[] = [];
  const ended: Registration[] = [];
  const { grant } = await rig.tenant.decisions.resolve({ id: "alice", roles: [], groups: [] });
  const { id, decisions, rights, registrations } = rig.tenant;
  const turns = { ...rig.tenant.turns, run: () => {}, finish: (work: Work) => void works.push(work) };
  const tenant: TenantAccess = { id, decisions, rights, registrations, turns, noteRevoked: () => {} };
  for (let index = 0; index < count; index += 1) {
    const subject = { id: `subject-${index}`, roles: [], groups: [] };
    const identity = { tenant: id, sid: "s", subject, kid: "", tokenExpiresAt: 4_000_000_000, isOutside: false };
    const registration = new Registration(identity, ["order.>"], `w-${index}`);
    registration.sessionLives(0, 60_000, false);
    registration.setGrant(grant, { through: STILL_VALID }, FOR_EVER);
    registration.stream = {
      leaveAudience: () => void left.push(registration),
      revoke: () => void ended.push(registration),
    } as unknown as RegisteredStream;
    registrations.add(registration);
  }
  const applyChange = (change: ControlEntry["change"]): void =>
    applyControl(tenant, { kind: "control", position: { seq: 2, tag: "t2" }, storedAt: 0, change }, rig.edge);
  const apply = (entry: { roles?: string[]; subjects?: string[] }): void =>
    applyChange({ of: "policy", entry: { version: 2, build: "b2", ...entry } });
  const valid = (): number => [...registrations].filter((each) => each.grantAt(2, 0) !== undefined).length;
  const all = [...registrations].map((registration) => ({ tenant, registration }));
  return { rig, registrations, works, left, ended, all, applyChange, apply, valid };
}

test("a change marks every stream that it concerns at once; they leave their audiences in steps", async () => {
  const { rig, works, left, apply, valid } = await tenantOf(120);
  apply({ roles: ["viewer"] });
  expect(valid()).toBe(0);
  expect(left).toHaveLength(0);
  const [work] = works;
  expect([work?.(), left.length]).toEqual([true, 50]);
  expect([work?.(), left.length]).toEqual([true, 100]);
  expect([work?.(), left.length]).toEqual([false, 120]);
  await rig[Symbol.asyncDispose]();
});

test("a change of one person's roles concerns nobody else", async () => {
  const { rig, registrations, works, left, apply, valid } = await tenantOf(120);
  apply({ subjects: ["subject-7"] });
  expect(valid()).toBe(119);
  for (const work of works) while (work());
  expect(left).toEqual([[...registrations][7]]);
  await rig[Symbol.asyncDispose]();
});

test("a stream that has gone before its step is left alone", async () => {
  const { rig, registrations, works, left, apply } = await tenantOf(2);
  apply({ roles: ["viewer"] });
  const [first] = registrations;
  if (first !== undefined) registrations.delete(first);
  for (const work of works) while (work());
  expect(left).toEqual([...registrations]);
  await rig[Symbol.asyncDispose]();
});

test("clocks that have parted invalidate every session at once; the streams leave their audiences in steps", async () => {
  const { rig, registrations, works, left, all } = await tenantOf(120);
  invalidateSessions(all, rig.edge);
  expect([...registrations].filter(({ deadline }) => deadline !== undefined)).toEqual([]);
  expect(left).toHaveLength(0);
  const [work] = works;
  expect([work?.(), left.length]).toEqual([true, 50]);
  expect([work?.(), left.length]).toEqual([true, 100]);
  expect([work?.(), left.length]).toEqual([false, 120]);
  await rig[Symbol.asyncDispose]();
});

test.each<[string, (of: Awaited<ReturnType<typeof tenantOf>>) => void]>([
  ["a session's end", ({ applyChange }) => applyChange({ of: "session", entry: { sid: "s", action: "revoked" } })],
  ["a tenant's end", ({ applyChange }) => applyChange({ of: "tenant", entry: { state: "deleted" } })],
  ["a key that is withdrawn", ({ all }) => revokeAll(all)],
])("%s ends the right to every stream at once, and the streams in steps of ten", async (_, end) => {
  const of = await tenantOf(25);
  end(of);
  expect([...of.registrations].every((registration) => registration.ended !== undefined)).toBe(true);
  expect(of.ended).toHaveLength(0);
  const [work] = of.works;
  expect([work?.(), of.ended.length]).toEqual([true, 10]);
  expect([work?.(), of.ended.length]).toEqual([true, 20]);
  expect([work?.(), of.ended.length]).toEqual([false, 25]);
  await of.rig[Symbol.asyncDispose]();
});
