import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { ScriptError } from "../shared/run-script.ts";
import type { RegionBus } from "./region-bus.ts";

/** Each server of the region tells of this account. */
const CALL = "$SYS.REQ.ACCOUNT.PING.STATZ";
const ANSWERS = { strategy: "stall", maxWait: 2_000, stall: 300 } as const;

const statusSchema = z.object({
  data: z.object({
    account_statz: z
      .array(z.object({ leafnodes: z.int() }))
      .nullable()
      .default(null),
  }),
});

/** Well above the three pings without an answer by which nats-server knows that a connection is gone. */
const DROPPED_MS = 16_000;
const LOOK_MS = 200;

/** How many connections the link of this home has in the region, on all of its servers. */
async function countLinks(bus: RegionBus): Promise<number> {
  let links = 0;
  for await (const message of await bus.nats.requestMany(CALL, "{}", ANSWERS)) {
    for (const { leafnodes } of statusSchema.parse(message.json()).data.account_statz ?? []) links += leafnodes;
  }
  return links;
}

/**
 * Waits until no server of the region has a connection of the link. One that a cut left over carries on when the cut ends, until
 * nats-server notices that nobody answers.
 * @throws {ScriptError} where one stays.
 */
export async function waitUntilUnlinked(bus: RegionBus, droppedMs = DROPPED_MS): Promise<void> {
  const giveUp = performance.now() + droppedMs;
  while ((await countLinks(bus)) > 0) {
    if (performance.now() > giveUp) {
      throw new ScriptError(
        `region ${bus.region} still has a link that carries this home: close it on each server (sluice region link)`,
      );
    }
    await delay(LOOK_MS);
  }
}
