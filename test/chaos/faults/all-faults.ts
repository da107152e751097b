import type { Fault } from "../fault.ts";
import { clockJump } from "./clock-jump.ts";
import { diskFull } from "./disk-full.ts";
import { connectionFlood, tokenFlood } from "./floods.ts";
import { freeze } from "./freeze.ts";
import { kill } from "./kill.ts";
import { killLeader, killQuorum } from "./kill-leader.ts";
import { killWorker } from "./kill-worker.ts";
import { lossyLink } from "./lossy-link.ts";
import { cutLink, deafenBroker, partitionBroker, slowLink } from "./partition.ts";
import { policyStorm } from "./policy-storm.ts";
import { restoredStore } from "./restored-store.ts";
import { lameDuck, rollingRestart } from "./rolling-restart.ts";
import { rotateKeys, withdrawKey } from "./rotate-keys.ts";
import { suspendTenant } from "./suspend-tenant.ts";

/** Everything that can be done to a stack. */
export const FAULTS: readonly Fault[] = [
  kill("edge", 2),
  killWorker,
  kill("auth"),
  kill("policy"),
  kill("publish"),
  killLeader,
  killQuorum,
  kill("broker"),
  kill("redis", 2),
  kill("sentinel"),
  kill("proxy"),
  freeze("edge"),
  freeze("auth"),
  freeze("policy"),
  freeze("publish"),
  freeze("broker"),
  freeze("redis"),
  partitionBroker,
  deafenBroker,
  cutLink("edge", "auth", "partition", ["blackhole"]),
  cutLink("edge", "auth", "one-way partition", ["no-requests", "no-replies"]),
  cutLink("edge", "policy", "partition", ["blackhole"]),
  cutLink("edge", "policy", "one-way partition", ["no-requests", "no-replies"]),
  cutLink("services", "broker", "partition", ["blackhole"]),
  cutLink("services", "broker", "one-way partition", ["no-requests", "no-replies"]),
  slowLink("edge", "auth"),
  slowLink("edge", "policy"),
  slowLink("services", "broker"),
  lossyLink,
  diskFull,
  clockJump("edge"),
  clockJump("policy"),
  clockJump("publish"),
  restoredStore,
  policyStorm,
  connectionFlood,
  tokenFlood,
  rollingRestart("edge"),
  rollingRestart("auth"),
  rollingRestart("policy"),
  rollingRestart("publish"),
  rollingRestart("broker"),
  lameDuck,
  rotateKeys,
  withdrawKey,
  suspendTenant,
];
