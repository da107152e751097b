import { expect, test } from "vitest";
import { SharedCounts } from "#shared/limits/shared-counts.ts";
import { BodyRoom } from "./body-room.ts";
import { Quotas } from "./quotas.ts";

const NOW = 1_800_000_000_000;

function openQuotas() {
  const clock = { now: NOW };
  const quotas = new Quotas(new SharedCounts(1), {
    requestsPerAddressPerMinute: 2,
    eventsPerSubjectPerMinute: 5,
    eventsPerTenantPerSecond: 1,
    wall: () => clock.now,
  });
  return { quotas, clock };
}

const refused = (code: string, retryAfterSeconds?: number) => expect.objectContaining({ code, retryAfterSeconds });

test("an address has its requests a minute, and this host's own counts nothing", () => {
  const { quotas, clock } = openQuotas();
  for (let count = 0; count < 2; count += 1) quotas.takeRequest("192.0.2.1");
  expect(() => quotas.takeRequest("192.0.2.1")).toThrow(refused("too_many_requests", 60));
  quotas.takeRequest("192.0.2.2");
  for (let count = 0; count < 5; count += 1) quotas.takeRequest(undefined);
  clock.now += 60_000;
  quotas.takeRequest("192.0.2.1");
});

test("a person has their events a minute, and nobody else's count for them", () => {
  const { quotas } = openQuotas();
  quotas.takeOfSubject("acme", "ann", 3);
  expect(() => quotas.takeOfSubject("acme", "ann", 3)).toThrow(refused("too_many_requests", 60));
  quotas.takeOfSubject("acme", "ann", 2);
  expect(() => quotas.takeOfSubject("acme", "ann", 1)).toThrow(refused("too_many_requests", 60));
  quotas.takeOfSubject("acme", "bob", 5);
  quotas.takeOfSubject("rival", "ann", 5);
  expect(() => quotas.takeOfSubject("acme", "zoe", 6)).toThrow(refused("limit_exceeded"));
});

test("a tenant has ten seconds' worth of events at once, by its own limit where it has one", () => {
  const { quotas, clock } = openQuotas();
  quotas.takeOfTenant("acme", 10, undefined);
  expect(() => quotas.takeOfTenant("acme", 1, undefined)).toThrow(refused("too_many_requests", 10));
  quotas.takeOfTenant("acme", 10, 2);
  quotas.takeOfTenant("rival", 10, undefined);
  expect(() => quotas.takeOfTenant("other", 11, undefined)).toThrow(refused("limit_exceeded"));
  clock.now += 10_000;
  quotas.takeOfTenant("acme", 10, undefined);
});

test("bodies have room up to its end, a tenant a quarter of it, and give it back", () => {
  const room = new BodyRoom(400);
  {
    using _acme = room.take("acme", 100);
    expect(() => room.take("acme", 1)).toThrow(refused("unavailable"));
    using others = new DisposableStack();
    for (const tenant of ["b", "c", "d"]) others.use(room.take(tenant, 100));
    expect(() => room.take("e", 1)).toThrow(refused("unavailable"));
  }
  expect(room.taken).toBe(0);
  using _again = room.take("acme", 100);
});
