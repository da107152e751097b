import { expect, test } from "vitest";
import { UNKNOWN_LIMITS } from "../admission/tenant-limits.ts";
import { Decisions } from "./decisions.ts";
import type { EventRule } from "./ports.ts";
import { createResidual } from "./residual.ts";
import { Rights } from "./rights.ts";
import { TopicRights } from "./topic-rights.ts";

const ALICE = { id: "alice", roles: [], groups: [] };

/** As many as an event map may have. */
const EVENT_TYPES = 1_024;

const EVENT_MAP: readonly EventRule[] = Array.from({ length: EVENT_TYPES }, (_, index) => ({
  pattern: `e${index}.x`,
  permission: `e${index}:read`,
}));

/** Decisions of a policy that answers `allow` about every permission, and the rights that follow. */
async function openRights(allow: readonly string[], eventMap = EVENT_MAP) {
  let version = 1;
  const asked: string[] = [];
  const atOnce: number[] = [];
  let underWay = 0;
  const now = () => ({ number: version, build: `b${version}` });
  const decisions = new Decisions(
    "acme",
    {
      resolve: async () => ({
        version: now(),
        grant: { id: "g", roles: ["reader"] },
        eventMap,
        limits: UNKNOWN_LIMITS,
      }),
      decide: async (_tenant, _grant, permission) => {
        asked.push(permission);
        atOnce.push((underWay += 1));
        await new Promise<void>((resolve) => setImmediate(resolve));
        underWay -= 1;
        return { version: now(), rules: { allow, deny: [], allowWhen: [], denyWhen: [] } };
      },
    },
    { decisionAsked: () => {} },
  );
  decisions.reset({ version: 1, build: "b1" });
  let turns = 0;
  const rights = new Rights(decisions, {
    next: async () => {
      turns += 1;
    },
  });
  const { grant } = await decisions.resolve(ALICE);
  const change = () => decisions.apply({ version: (version += 1), build: `b${version}`, roles: ["reader"] }, 20);
  return { rights, grant, asked, atOnce, change, turns: () => turns };
}

test("a topic is granted where something under it is allowed, and not where certainly nothing is", async () => {
  const eventMap = [{ pattern: "order.*", permission: "order:read" }];
  const { rights, grant } = await openRights(["order.*.alice"], eventMap);
  const topics = ["order.>", "order.*.bob", "invoice.>", ">"];
  await rights.prepare(grant, topics);
  expect(rights.under(grant, topics).live).toEqual(["order.>", ">"]);
});

test("a topic is granted until the opposite is certain, and policy is asked 64 questions at a time for that", async () => {
  const { rights, grant, asked, atOnce, turns } = await openRights(["*.*.mine"]);
  const topics = ["*.*.mine", "*.*.other"];
  await rights.prepare(grant, topics);
  expect(asked).toHaveLength(64);
  const found = rights.under(grant, topics);
  expect(found.isSettled).toBe(false);
  expect(found.live).toBe(topics);
  const before = turns();
  await Promise.all([rights.settle(grant, found), rights.settle(grant, found)]);
  expect(found.live).toEqual(["*.*.mine"]);
  expect(asked).toHaveLength(EVENT_TYPES);
  expect(Math.max(...atOnce)).toBeLessThanOrEqual(64);
  expect(turns() - before).toBeGreaterThanOrEqual(EVENT_TYPES / 64 - 1);
});

test("rights are found out once for a grant and a list of topics, and anew after a change", async () => {
  const { rights, grant, change } = await openRights(["*.*.mine"]);
  const topics = ["e1.x.mine"];
  await rights.prepare(grant, topics);
  const found = rights.under(grant, topics);
  expect(rights.under(grant, topics)).toBe(found);
  change();
  expect(rights.under(grant, topics)).not.toBe(found);
});

test("looking on ends where a change ends the decisions that it rests on", async () => {
  const { rights, grant, asked, change } = await openRights([]);
  const topics = ["*.*.other"];
  await rights.prepare(grant, topics);
  const settling = rights.settle(grant, rights.under(grant, topics));
  change();
  await settling;
  expect(asked.length).toBeLessThanOrEqual(2 * 64);
});

test("no look takes more than one step's work, at the most event types and topics there may be", () => {
  const residual = createResidual({ allow: patternsOf(512), deny: [], allowWhen: [], denyWhen: [] });
  const permissions = EVENT_MAP.map(({ permission }) => permission);
  let asked = 0;
  const decided = {
    permissionsUnder: () => permissions,
    residualOf: () => {
      asked += 1;
      return residual;
    },
  };
  const rights = new TopicRights(
    Array.from({ length: 100 }, (_, index) => `*.*.v${index % 64}.none-${index}`),
    [1, 1],
  );
  const looks: number[] = [];
  while (!rights.isSettled) {
    asked = 0;
    rights.look(decided);
    looks.push(asked);
  }
  expect(Math.max(...looks)).toBeLessThanOrEqual(5_000);
  expect(looks.length).toBeGreaterThan((100 * EVENT_TYPES) / 5_000);
  expect(rights.live).toEqual([]);
});

test("a topic that is too much for a whole step stays granted", () => {
  const decided = {
    permissionsUnder: () => Array.from({ length: 10_000 }, (_, index) => `e${index}:read`),
    residualOf: () => createResidual({ allow: [], deny: [], allowWhen: [], denyWhen: [] }),
  };
  const rights = new TopicRights([">", "order.>"], [1, 1]);
  for (let looks = 0; looks < 2; looks += 1) rights.look(decided);
  expect(rights.isSettled).toBe(true);
  expect(rights.live).toEqual([">", "order.>"]);
});

function patternsOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `*.*.v${index % 64}.r${index}`);
}
