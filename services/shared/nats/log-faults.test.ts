import { type StreamConfig } from "@nats-io/jetstream";
import { describe, expect, test } from "vitest";
import { faultOfLog } from "./log-faults.ts";

/** The settings of a log that policy made, as a server of 2.15 tells them. */
const MADE = {
  name: "EVENTS_acme",
  subjects: ["events.acme.>", "control.acme.>"],
  storage: "file",
  retention: "limits",
  discard: "old",
  allow_direct: true,
  deny_delete: true,
  deny_purge: false,
  sealed: false,
  allow_rollup_hdrs: false,
  max_msgs_per_subject: -1,
  max_msg_size: -1,
  metadata: { sluice_epoch: "1f00c0ffee00" },
} as unknown as StreamConfig;

test("the settings that policy gives a log have no fault", () => {
  expect(faultOfLog(MADE)).toBeUndefined();
});

describe("a log has a fault", () => {
  test.each<[string, object]>([
    ["its metadata has no sluice_epoch", { metadata: {} }],
    ["its metadata has no sluice_epoch", { metadata: { sluice_epoch: "short" } }],
    ["it mirrors another stream", { mirror: { name: "OTHER" } }],
    ["it is sealed", { sealed: true }],
    ["storage is not file", { storage: "memory" }],
    ["retention is not limits", { retention: "workqueue" }],
    ["discard is not old", { discard: "new" }],
    ["allow_direct is off", { allow_direct: false }],
    ["deny_delete is off", { deny_delete: false }],
    ["max_msgs_per_subject is set", { max_msgs_per_subject: 5 }],
    ["allow_msg_ttl is on", { allow_msg_ttl: true }],
    ["allow_msg_counter is on", { allow_msg_counter: true }],
    ["allow_msg_schedules is on", { allow_msg_schedules: true }],
    ["allow_rollup_hdrs is on", { allow_rollup_hdrs: true }],
    ["allow_batched is on", { allow_batched: true }],
    ["no_ack is on", { no_ack: true }],
    ["subject_transform is set", { subject_transform: { src: "events.acme.>", dest: "elsewhere.>" } }],
    ["it takes in messages of other streams (sources)", { sources: [{ name: "OTHER" }] }],
    ["max_msg_size is below 1048576", { max_msg_size: 1_048_575 }],
  ])("when %s: %j", (reason, setting) => {
    expect(faultOfLog({ ...MADE, ...setting })).toContain(reason);
  });

  test("never for a size of exactly the largest event", () => {
    expect(faultOfLog({ ...MADE, max_msg_size: 1_048_576 })).toBeUndefined();
  });
});
