import type { Fault } from "../fault.ts";
import { changeLink, ONE_WAY, PARTITION, RESET, SLOW } from "./change-link.ts";
import { clockJump } from "./clock-jump.ts";
import { diskFull } from "./disk-full.ts";
import { connectionFlood, tokenFlood } from "./floods.ts";
import { freeze } from "./freeze.ts";
import { kill } from "./kill.ts";
import { killLeader, killQuorum } from "./kill-leader.ts";
import { killWorker } from "./kill-worker.ts";
import { lossyLink } from "./lossy-link.ts";
import { moveHome } from "./move-home.ts";
import { deafenBroker, partitionBroker } from "./partition-brokers.ts";
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
  changeLink(PARTITION, "edge", "auth"),
  changeLink(ONE_WAY, "edge", "auth"),
  changeLink(SLOW, "edge", "auth"),
  changeLink(PARTITION, "edge", "policy"),
  changeLink(ONE_WAY, "edge", "policy"),
  changeLink(SLOW, "edge", "policy"),
  changeLink(PARTITION, "services", "broker"),
  changeLink(ONE_WAY, "services", "broker"),
  changeLink(SLOW, "services", "broker"),
  changeLink(PARTITION, "regions"),
  changeLink(ONE_WAY, "regions"),
  changeLink(RESET, "regions"),
  changeLink(SLOW, "regions"),
  moveHome,
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
