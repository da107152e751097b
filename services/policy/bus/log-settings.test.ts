import { DiscardPolicy, type StreamConfig } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { faultOfLog } from "#shared/nats/log-faults.ts";
import { type OpenTenants, openTenants } from "#test/support/open-tenants.ts";
import { reconcileTenant } from "../tenants/reconcile-tenant.ts";

describe("a log whose settings somebody changed", () => {
  let tenants: OpenTenants;

  beforeAll(async () => {
    tenants = await openTenants();
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  const configOf = async (tenant: string): Promise<StreamConfig> =>
    (await tenants.policies.manager.streams.info(`EVENTS_${tenant}`)).config;

  it.each<[string, (tenant: string) => Partial<StreamConfig>]>([
    ["discard is not old", () => ({ discard: DiscardPolicy.New })],
    [
      "discard is not old",
      () => ({ discard: DiscardPolicy.New, discard_new_per_subject: true, max_msgs_per_subject: 4 }),
    ],
    ["allow_direct is off", () => ({ allow_direct: false })],
    ["deny_delete is off", () => ({ deny_delete: false })],
    ["max_msgs_per_subject is set", () => ({ max_msgs_per_subject: 5 })],
    ["allow_rollup_hdrs is on", () => ({ allow_rollup_hdrs: true })],
    ["allow_batched is on", () => ({ allow_batched: true })],
    ["no_ack is on", () => ({ no_ack: true })],
    [
      "subject_transform is set",
      (tenant) => ({ subject_transform: { src: `events.${tenant}.>`, dest: `elsewhere.${tenant}.>` } }),
    ],
    ["it takes in messages of other streams (sources)", () => ({ sources: [{ name: "AUDIT" }] })],
    ["max_msg_size is below 1048576", () => ({ max_msg_size: 1_000 })],
  ])("so that %s is put right by the next look at it", async (reason, faultyFor) => {
    const { manager, deps } = tenants.policies;
    const tenant = await tenants.create();
    const made = await configOf(tenant);
    await manager.streams.delete(made.name);
    await manager.streams.add({ ...made, ...faultyFor(tenant) });
    expect(faultOfLog(await configOf(tenant))).toBe(reason);
    await reconcileTenant(deps, tenant);
    expect(await configOf(tenant)).toEqual(made);
  });
});
