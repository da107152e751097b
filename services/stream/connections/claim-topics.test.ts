import { expect, test } from "vitest";
import { controlOf, createRig, eventOf, NO_HISTORY } from "#test/rigs/edge-rig.ts";
import { waitFor } from "#test/support/wait.ts";
import { resetLog } from "../deliver.ts";
import type { LogView } from "../log/resume.ts";
import { StreamTopics } from "../subscription/stream-topics.ts";
import { changeTopics } from "./calls/change-topics.ts";
import { findLate } from "./claim-topics.ts";
import { TopicChanges } from "./topic-changes.ts";

/** A log that was a mirror up to the sequence 200 of another epoch, and has gone on since. */
const PROMOTED: LogView = {
  epoch: "new-epoch",
  mirroredUpTo: 200,
  horizon: { seq: 300, tag: "t300" },
  tagInTail: (seq) => `t${seq}`,
  isInTail: () => true,
  history: {
    bounds: async () => ({ first: 1, last: 300, goneBy: "retention" }),
    tagOf: async () => undefined,
    positionBefore: async () => ({ seq: 0, tag: "0" }),
  },
};

test("a topic that was added before its log was promoted counts from the same entry on", async () => {
  const added = new Map([
    ["order.same", "old-epoch.100.t100"],
    ["order.behind", "old-epoch.250.t250"],
    ["order.passed", "old-epoch.40.t40"],
    ["order.other", "old-epoch.120.another"],
    ["order.new", "new-epoch.210.t210"],
  ]);
  const changes = new TopicChanges(new StreamTopics(new Set(), { added, removed: new Set() }));
  const late = await findLate(PROMOTED, changes, { position: { seq: 50, tag: "t50" }, notice: undefined });
  expect([...(late ?? [])]).toEqual([
    ["order.same", 100],
    ["order.behind", 200],
    ["order.new", 210],
  ]);
});

test("a reader gets nothing early of what was added, though its log is promoted before it has come so far", async () => {
  const entries = [
    controlOf({ seq: 2, tag: "t2" }, { of: "session", entry: { sub: "alice", action: "changed" } }),
    eventOf({ seq: 3, tag: "t3" }, "kept", "order.created.1"),
    eventOf({ seq: 4, tag: "t4" }, "early", "order.created.3"),
  ];
  const after = async (seq: number) => entries.filter(({ position }) => position.seq > seq);
  const bounds = async () => ({ first: 1, last: 4, goneBy: "retention" as const });
  await using rig = createRig({ history: { ...NO_HISTORY, after, bounds } });
  const client = await rig.open("topic=order.created.1");
  const [stream] = [...rig.edge.hub.streams()];
  const held = rig.holdSession();
  rig.control({ of: "session", entry: { sub: "alice", action: "changed" } });
  rig.event("kept", undefined, "order.created.1");
  rig.event("early", undefined, "order.created.3");
  await changeTopics(stream!, stream!.reader.registration.identity, { add: ["order.created.3"], remove: [] }, rig.edge);
  const { horizon } = rig.tenant.log;
  const promoted = { epoch: "second-epoch", horizon, mirrored: horizon.seq, isContinued: true } as const;
  resetLog(rig.tenant, { ...promoted, policy: rig.entry(), relation: "epoch" }, rig.edge);
  held.answer({ state: "live", remainingMs: 60_000, isFinal: false });
  await waitFor("it is live", () => stream!.reader.isLive);
  rig.event("new", undefined, "order.created.3");
  await waitFor("the event", () => client.events().includes("new"));
  expect(client.events()).toEqual(["kept", "new"]);
});
