import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatEventId } from "#shared/protocol/event-id.ts";
import { nanosOf, tagOf } from "#shared/contract/event-tag.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { connectAs } from "#test/support/connect-as.ts";
import { type OpenPolicies, openPolicies } from "#test/support/open-policies.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { eraseEvents, type EraseRequest } from "./erase-events.ts";
import { type Erasure, reconcileErasure } from "./events/purge-erased.ts";
import { createTenant } from "./tenants/create-tenant.ts";
import type { TenantDeps } from "./tenants/tenant-deps.ts";

const TENANT = "demo";
const LOG = `EVENTS_${TENANT}`;

describe("an erasure", () => {
  let nats: NatsServer;
  let policies: OpenPolicies;
  let producer: NatsConnection;
  let deps: TenantDeps;
  let noted: Erasure[] = [];

  beforeAll(async () => {
    nats = await startNats();
    policies = await openPolicies(nats.url("policy"));
    deps = { ...policies.deps, onErased: (erasure) => void noted.push(erasure) };
    await createTenant(deps, TENANT, "operator");
    producer = await connectAs(nats, "demo");
  });
  afterAll(async () => {
    await producer.close();
    await policies[Symbol.asyncDispose]();
    await nats[Symbol.asyncDispose]();
  });

  const publish = async (topic: string): Promise<number> =>
    (await jetstream(producer).publish(`events.${TENANT}.${topic}`, "{}")).seq;
  const publishAll = async (...topics: string[]): Promise<number[]> => {
    const sequences: number[] = [];
    for (const topic of topics) sequences.push(await publish(topic));
    return sequences;
  };
  const idOf = async (seq: number): Promise<string> => {
    const { config } = await policies.manager.streams.info(LOG);
    const message = await policies.manager.streams.getMessage(LOG, { seq });
    const tag = tagOf(nanosOf(message!.timestamp));
    return formatEventId(config.metadata?.["sluice_epoch"] ?? "", { seq, tag });
  };
  const keptOf = async (sequences: readonly number[]): Promise<number[]> => {
    const messages = await Promise.all(sequences.map((seq) => policies.manager.streams.getMessage(LOG, { seq })));
    return messages.flatMap((message) => message?.seq ?? []);
  };
  const last = () => deps.logs.lastErasedEntry(TENANT);
  const erase = (what: EraseRequest["what"], on: TenantDeps = deps) => {
    noted = [];
    return eraseEvents(on, TENANT, { what, by: "operator", reason: "they asked", address: "::1" });
  };

  it("of a topic pattern is announced, purges what matches up to then, and counts it", async () => {
    const [a, b, c] = await publishAll("order.created.42", "order.created.43", "order.paid.42");
    const through = c!;
    expect(await erase({ subject: "order.*.42" })).toEqual({ through, erased: 2 });
    const { entry, sequence } = await last();
    expect([entry, sequence]).toEqual([{ subject: "order.*.42", through }, through + 1]);
    const later = await publish("order.created.42");
    expect(await keptOf([a!, b!, c!, later])).toEqual([b, later]);
    expect(noted).toEqual([{ tenant: TENANT, by: "operator", reason: "they asked", address: "::1", entry, erased: 2 }]);
  });

  it("of every event leaves the entries of policy, and what was published since it was announced", async () => {
    await publishAll("order.created.50", "stock.moved");
    const racing: TenantDeps = {
      ...deps,
      logs: {
        ...deps.logs,
        appendErasedEntry: async (...entry) => {
          await publish("order.created.51");
          return deps.logs.appendErasedEntry(...entry);
        },
      },
    };
    const { through } = await erase({ subject: ">" }, racing);
    expect(await keptOf([through + 1])).toEqual([through + 1]);
    expect((await deps.logs.lastPolicyEntry(TENANT)).version?.number).toBe(1);
  });

  it("is possible while the tenant is suspended", async () => {
    await publish("order.created.60");
    const { config } = await policies.manager.streams.info(LOG);
    await deps.logs.close(TENANT);
    expect(await erase({ subject: "order.created.60" })).toMatchObject({ erased: 1 });
    await policies.manager.streams.update(LOG, { subjects: config.subjects });
  });

  describe("by ids", () => {
    it("erases exactly these, and counts none that is gone already", async () => {
      const [a, b, c] = await publishAll("user.seen.1", "user.seen.2", "user.seen.1");
      const ids = [await idOf(a!), await idOf(b!)];
      expect(await erase({ ids })).toMatchObject({ erased: 2 });
      expect((await last()).entry).toMatchObject({ ids });
      expect(await keptOf([a!, b!, c!])).toEqual([c]);
      expect(await erase({ ids: [...ids, await idOf(c!)] })).toMatchObject({ erased: 1 });
    });

    it("is refused, and changes nothing, while an earlier event of the topic would go too", async () => {
      const [a, b, c] = await publishAll("user.seen.7", "user.seen.7", "user.seen.7");
      const [first, second, third] = [await idOf(a!), await idOf(b!), await idOf(c!)];
      const before = await last();
      const refusal = { code: "not_erasable_alone", message: expect.stringContaining(`user.seen.7`) };
      await expect(erase({ ids: [third] })).rejects.toMatchObject(refusal);
      await expect(erase({ ids: [third, first] })).rejects.toThrow(second);
      expect(await last()).toEqual(before);
      expect(await keptOf([a!, b!, c!])).toEqual([a, b, c]);
      expect(await erase({ ids: [third, first, second] })).toMatchObject({ erased: 3 });
    });

    it("names no more than 20 events that stand before it", async () => {
      const sequences = await publishAll(...Array.from({ length: 22 }, () => "user.seen.8"));
      const error = await erase({ ids: [await idOf(sequences.at(-1)!)] }).catch((thrown: AppError) => thrown);
      expect((error as AppError).message.match(/[0-9a-f]{12}\.\d+\./g)).toHaveLength(20);
      expect((error as AppError).message).toMatch(/, and more$/);
    });

    it.each<[string, string, (id: string) => string]>([
      ["of a log that was before this one", "not_found", (id) => id.replace(/^[^.]+/, "0123456789ab")],
      ["whose message is another one now", "not_found", (id) => id.replace(/[^.]+$/, "zzz")],
      ["behind the end of the log", "not_found", (id) => id.replace(/\.\d+\./, ".99999.")],
      ["that is none", "malformed_request", () => "order.created.42"],
    ])("refuses one %s", async (_, code, change) => {
      const id = change(await idOf(await publish("user.seen.9")));
      const before = await last();
      await expect(erase({ ids: [id] })).rejects.toMatchObject({ code });
      expect(await last()).toEqual(before);
    });

    it("refuses that of a control entry", async () => {
      const { sequence } = await deps.logs.lastPolicyEntry(TENANT);
      await expect(erase({ ids: [await idOf(sequence)] })).rejects.toMatchObject({ code: "malformed_request" });
    });
  });

  describe("whose process ended", () => {
    const ended = async (): Promise<never> => Promise.reject(new AppError("unavailable", "the process ended here"));
    const endAt = (step: keyof TenantDeps["logs"]): TenantDeps => ({
      ...deps,
      logs: { ...deps.logs, [step]: ended },
    });

    it.each(["describe", "lastErasedEntry", "appendErasedEntry"] as const)(
      "before it was announced, at %s, has changed nothing",
      async (step) => {
        const [seq] = await publishAll("order.created.70");
        const before = await last();
        await expect(erase({ subject: "order.created.70" }, endAt(step))).rejects.toThrow("ended here");
        expect(await last()).toEqual(before);
        expect(await keptOf([seq!])).toEqual([seq]);
        expect(noted).toEqual([]);
        expect(await erase({ subject: "order.created.70" })).toMatchObject({ erased: 1 });
      },
    );

    it("once it was announced is in the audit trail, and finished by the second look of any process", async () => {
      const [seq] = await publishAll("order.created.71");
      await expect(erase({ subject: "order.created.71" }, endAt("purge"))).rejects.toThrow("ended here");
      expect(noted).toMatchObject([{ by: "operator", reason: "they asked", erased: undefined }]);
      expect(await keptOf([seq!])).toEqual([seq]);
      const other: TenantDeps = { ...deps, seenErasures: new Map() };
      await reconcileErasure(other, TENANT);
      expect(await keptOf([seq!])).toEqual([seq]);
      await reconcileErasure(other, TENANT);
      expect(await keptOf([seq!])).toEqual([]);
      expect(noted.at(-1)).toMatchObject({ by: "policy", erased: 1, entry: { subject: "order.created.71" } });
      await reconcileErasure(endAt("purge"), TENANT).catch(() => undefined);
      await reconcileErasure({ ...endAt("purge"), seenErasures: other.seenErasures }, TENANT);
    });

    it("is finished by a retry, and by any other erasure", async () => {
      const [a, b] = await publishAll("order.created.72", "order.created.73");
      await erase({ subject: "order.created.74" });
      await expect(erase({ subject: "order.created.72" }, endAt("purge"))).rejects.toThrow("ended here");
      expect(await erase({ subject: "order.created.72" })).toMatchObject({ erased: 0 });
      expect(await keptOf([a!, b!])).toEqual([b]);
      await expect(erase({ subject: "order.created.73" }, endAt("purge"))).rejects.toThrow("ended here");
      expect(await erase({ subject: "order.created.74" })).toMatchObject({ erased: 0 });
      expect(await keptOf([a!, b!])).toEqual([]);
    });

    it("is finished with all that stood unpurged in a mirror which was promoted without its original", async () => {
      const [a, b, c, d] = await publishAll("user.seen.30", "order.created.75", "order.created.76", "order.created.77");
      const through = d!;
      const announced = [{ ids: [await idOf(a!)] }, { subject: "order.created.75" }, { subject: "order.created.76" }];
      for (const each of announced) {
        await deps.logs.appendErasedEntry(TENANT, { ...each, through }, (await last()).sequence);
      }
      const { config, state } = await policies.manager.streams.info(LOG);
      const promoted = { sluice_lost: "eu", sluice_mirrored: String(state.last_seq), sluice_epoch: "another-epoch" };
      await policies.manager.streams.update(LOG, { metadata: { ...config.metadata, ...promoted } });
      await reconcileErasure({ ...deps, seenErasures: new Map() }, TENANT);
      expect(await keptOf([a!, b!, c!, d!])).toEqual([d]);
      await policies.manager.streams.update(LOG, { metadata: config.metadata ?? {} });
    });

    it("by ids is finished too, as far as they are still there", async () => {
      const [a, b] = await publishAll("user.seen.20", "user.seen.21");
      const ids = [await idOf(a!), await idOf(b!)];
      const halfWay: TenantDeps = {
        ...deps,
        logs: {
          ...deps.logs,
          purge: (tenant, topic, through) =>
            topic === "user.seen.21" ? ended() : deps.logs.purge(tenant, topic, through),
        },
      };
      await expect(erase({ ids }, halfWay)).rejects.toThrow("ended here");
      expect(await keptOf([a!, b!])).toEqual([b]);
      const other: TenantDeps = { ...deps, seenErasures: new Map() };
      for (let look = 0; look < 2; look += 1) await reconcileErasure(other, TENANT);
      expect(await keptOf([a!, b!])).toEqual([]);
    });
  });

  it("that another process announces at the same time comes after it, and none is lost", async () => {
    const topics = Array.from({ length: 8 }, (_, key) => `race.run.${key}`);
    const sequences = await publishAll(...topics);
    await Promise.all(topics.map((subject) => erase({ subject }, { ...deps, seenErasures: new Map() })));
    expect(await keptOf(sequences)).toEqual([]);
  });
});
