import { type KV, Kvm } from "@nats-io/kv";
import { jetstream } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPolicies, type OpenPolicies } from "#test/support/open-policies.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { changePolicy } from "../change-policy.ts";
import { bindSubject, importPolicy, putDocument } from "../changes/commands.ts";
import { SubjectRoles } from "../decide/subject-roles.ts";
import { createTenant } from "../tenants/create-tenant.ts";
import { PartCollector } from "./collect-parts.ts";

const NO_FILES = { isThere: () => false };

const by = "operator";
const documentOf = (tenant: string, more = ""): string =>
  `tenant: ${tenant}\nroles: { viewer: {}, other: {} }\n${more}`;
const put = (text: string) =>
  putDocument(text, { kind: "document", by, why: "a test", expected: undefined, files: NO_FILES });

describe("the parts of policies", () => {
  let nats: NatsServer;
  let one: OpenPolicies;
  let two: OpenPolicies;
  let heads: KV;
  let now = 0;
  let tenants = 0;
  const clock = { monotonic: () => now, wall: () => now };

  beforeAll(async () => {
    nats = await startNats();
    one = await openPolicies(nats.url("policy"));
    two = await openPolicies(nats.url("policy"));
    heads = await new Kvm(jetstream(one.connection)).open("sluice_policy");
  });
  afterAll(async () => {
    for (const process of [one, two]) await process[Symbol.asyncDispose]();
    await nats[Symbol.asyncDispose]();
  });

  const newTenant = async (): Promise<string> => {
    tenants += 1;
    const tenant = `t${tenants}`;
    await createTenant(one.deps, tenant, by);
    await changePolicy(one.deps, tenant, put(documentOf(tenant)));
    return tenant;
  };
  const bind =
    (subject: string, roles?: string[], { deps }: OpenPolicies = one) =>
    (tenant: string) =>
      changePolicy(deps, tenant, bindSubject(subject, roles, by));
  const refsOf = async (tenant: string) => (await one.parts.find()).refs.get(tenant) ?? [];
  const bound = async (tenant: string, { store }: OpenPolicies = two) =>
    Object.fromEntries((await store.read(tenant))!.policy.bindings);
  const collectorOn = ({ parts, store }: OpenPolicies): PartCollector =>
    new PartCollector({ parts, heads: (tenant) => store.history(tenant), clock });
  const manySubjects = (count: number, roles: readonly string[] = ["viewer"]) =>
    SubjectRoles.from(Array.from({ length: count }, (_, index) => [`subject-${index}`, roles] as const));

  it("a change of one subject's roles writes one shard and a small head, whatever the document and the others are", async () => {
    const tenant = await newTenant();
    const content = { text: documentOf(tenant, `#${"x".repeat(500_000)}`), bindings: manySubjects(5_000) };
    await changePolicy(
      one.deps,
      tenant,
      importPolicy(content, { by, why: "a test", expected: undefined, files: NO_FILES }),
    );
    const before = await one.parts.end();
    await bind("subject-7", ["other"])(tenant);
    expect(await one.parts.end()).toBe(before + 1);
    expect((await heads.get(tenant))!.value.length).toBeLessThan(12_000);
    expect(await bound(tenant)).toEqual({ ...Object.fromEntries(content.bindings), "subject-7": ["other"] });
  });

  it("changes of two processes to one tenant all count, in one order", async () => {
    const tenant = await newTenant();
    const subjects = Array.from({ length: 24 }, (_, index) => `s${index}`);
    await Promise.all(subjects.map((subject, index) => bind(subject, ["viewer"], index % 2 === 0 ? one : two)(tenant)));
    expect(await bound(tenant)).toEqual(Object.fromEntries(subjects.map((subject) => [subject, ["viewer"]])));
    const versions = (await one.store.history(tenant)).map(({ version }) => version.number);
    expect(versions).toEqual(Array.from({ length: 26 }, (_, index) => 26 - index));
  });

  it("each version that is kept has the bindings and the document it had, and rollback brings its document back", async () => {
    const tenant = await newTenant();
    await bind("alice", ["viewer"])(tenant);
    await bind("zoe", ["other"])(tenant);
    await changePolicy(one.deps, tenant, put(documentOf(tenant, "# later")));
    await bind("alice", undefined)(tenant);
    const kept = async (number: number) => {
      const policy = await two.store.version(tenant, number);
      return policy && [policy.document.text, Object.fromEntries(policy.bindings)];
    };
    expect(await kept(3)).toEqual([documentOf(tenant), { alice: ["viewer"] }]);
    expect(await kept(5)).toEqual([documentOf(tenant, "# later"), { alice: ["viewer"], zoe: ["other"] }]);
    expect(await kept(6)).toEqual([documentOf(tenant, "# later"), { zoe: ["other"] }]);
    expect(await kept(7)).toBeUndefined();
    const refs = await refsOf(tenant);
    await changePolicy(two.deps, tenant, put(documentOf(tenant)));
    expect(await kept(7)).toEqual([documentOf(tenant), { zoe: ["other"] }]);
    expect(await refsOf(tenant)).toHaveLength(refs.length);
  });

  it("a policy that an earlier release stored whole is read, and kept in parts from the next change on", async () => {
    const tenant = await newTenant();
    const entry = (await heads.get(tenant))!;
    const { shards: _, ...head } = entry.json<Record<string, unknown>>();
    const whole = {
      ...head,
      document: { text: documentOf(tenant), origin: { kind: "http" } },
      bindings: [{ subject: "bob", roles: ["viewer"] }],
    };
    await heads.put(tenant, JSON.stringify(whole));
    expect(await bound(tenant)).toEqual({ bob: ["viewer"] });
    await bind("zoe", ["other"])(tenant);
    const { document, ...rest } = (await heads.get(tenant))!.json<Record<string, unknown>>();
    expect(document).toEqual({ part: expect.any(String), origin: { kind: "http" } });
    expect(Object.keys(rest).toSorted()).toEqual("at by diff lifecycle limits shards version why".split(" "));
    expect(await bound(tenant)).toEqual({ bob: ["viewer"], zoe: ["other"] });
    expect(Object.fromEntries((await two.store.version(tenant, 2))!.bindings)).toEqual({ bob: ["viewer"] });
  });

  it("another process reads the parts that it does not have, and no others", async () => {
    const tenant = await newTenant();
    const content = { text: documentOf(tenant), bindings: manySubjects(500) };
    await changePolicy(
      one.deps,
      tenant,
      importPolicy(content, { by, why: "a test", expected: undefined, files: NO_FILES }),
    );
    const first = (await two.store.read(tenant))!.policy;
    await bind("subject-7", ["other"])(tenant);
    const second = (await two.store.read(tenant))!.policy;
    const differing = second.bindings.shards.filter((shard, index) => shard !== first.bindings.shards[index]);
    expect(differing).toHaveLength(1);
    expect(differing[0]?.get("subject-7")).toEqual(["other"]);
  });

  it("of a change that ended before its head are as good as absent, and collected", async () => {
    const tenant = await newTenant();
    await bind("alice", ["viewer"])(tenant);
    const [stored, used] = [await one.store.read(tenant), await refsOf(tenant)];
    const changed = stored!.policy.bindings.with("zoe", ["viewer"]);
    // Somebody else's change comes in between: the head is refused, the part is there.
    await bind("alice", ["other"], two)(tenant);
    expect(await one.store.replace(tenant, { ...stored!.policy, bindings: changed }, stored)).toBe(false);
    expect(await refsOf(tenant)).toHaveLength(used.length + 2);
    expect(await bound(tenant)).toEqual({ alice: ["other"] });
    const collector = collectorOn(one);
    expect(await collector.look()).toBe(0);
    now += 600_001;
    expect(await collector.look()).toBeGreaterThan(0);
    expect(await refsOf(tenant)).toHaveLength(used.length + 1);
    expect(await bound(tenant, await reopened())).toEqual({ alice: ["other"] });
  });

  it("stay as long as history refers to them, or somebody has just written them again", async () => {
    const tenant = await newTenant();
    await bind("alice", ["viewer"])(tenant);
    const collector = collectorOn(one);
    for (let round = 0; round < 64; round += 1) {
      await bind("alice", round % 2 === 0 ? ["other"] : ["viewer", "other"])(tenant);
    }
    // The first version is out of history by now, and with it its document and alice's first shard.
    const unused = (await refsOf(tenant)).length - 3;
    expect(unused).toBe(2);
    await collector.look();
    now += 600_001;
    await bind("alice", ["viewer"])(tenant);
    await collector.look();
    expect(await refsOf(tenant)).toHaveLength(4);
    expect(await bound(tenant, await reopened())).toEqual({ alice: ["viewer"] });
  });

  it("go with their tenant", async () => {
    const tenant = await newTenant();
    await bind("alice", ["viewer"])(tenant);
    const { revision } = (await one.store.read(tenant))!;
    expect(await refsOf(tenant)).not.toEqual([]);
    expect(await one.deps.tombstones.bury(tenant, { version: 3 }, revision)).toBe(true);
    expect(await refsOf(tenant)).toEqual([]);
  });

  it("of which one is missing make the policy unreadable, and no other tenant's", async () => {
    const [broken, sound] = [await newTenant(), await newTenant()];
    await one.parts.removeAll(broken, await one.parts.end());
    await bind("alice", ["viewer"])(sound);
    const fresh = await reopened();
    await expect(fresh.store.read(broken)).rejects.toThrow(/part of the policy .* is missing; restore the bucket/);
    expect(await bound(sound, fresh)).toEqual({ alice: ["viewer"] });
  });

  it("hold 100 000 subjects, imported as one version", { timeout: 60_000 }, async () => {
    const tenant = await newTenant();
    const content = { text: documentOf(tenant), bindings: manySubjects(100_000, ["other", "viewer"]) };
    const change = importPolicy(content, { by, why: "a test", expected: undefined, files: NO_FILES });
    expect((await changePolicy(one.deps, tenant, change)).number).toBe(3);
    expect((await one.entries(tenant)).at(-1)).toMatchObject({ version: 3, all: true });
    expect((await one.store.history(tenant))[0]?.diff).toMatchObject({ more: 99_950 });
    await expect(bind("one-more", ["viewer"])(tenant)).rejects.toMatchObject({ code: "limit_exceeded" });
    const version = await bind("subject-99999", ["viewer"])(tenant);
    const snapshot = await two.deps.snapshots.atLeast(tenant, version);
    expect(snapshot.httpBindings.get("subject-99999")).toEqual(["viewer"]);
    expect((await one.entries(tenant)).at(-1)).toMatchObject({ version: 4, roles: [], subjects: ["subject-99999"] });
  });

  /** A process that knows no part yet. */
  const opened = new AsyncDisposableStack();
  afterAll(() => opened.disposeAsync());
  const reopened = async (): Promise<OpenPolicies> => opened.use(await openPolicies(nats.url("policy")));
});
