import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { ScriptError } from "../shared/run-script.ts";
import { type AskedBus, askServers } from "./ask-servers.ts";

/** Each server of the region tells of this account. */
const CALL = "$SYS.REQ.ACCOUNT.PING.STATZ";

/** Otherwise a server says nothing where the account has no connection. */
const QUESTION = { include_unused: true };

const statusSchema = z.object({
  account_statz: z
    .array(z.object({ leafnodes: z.int() }))
    .nullable()
    .default(null),
});

/** Well above the three pings without an answer by which nats-server knows that a connection is gone. */
const DROPPED_MS = 16_000;
const LOOK_MS = 200;

/** A server of the region that has a connection of this home's link, or does not say that it has none; undefined where there is none. */
async function findLinked(bus: AskedBus): Promise<string | undefined> {
  const { answers, silent } = await askServers(bus, CALL, QUESTION);
  if (silent.length > 0) return `${silent.join(", ")} in region ${bus.region} does not say whether it`;
  const isLinked = answers.some(({ data }) =>
    statusSchema.parse(data).account_statz?.some(({ leafnodes }) => leafnodes > 0),
  );
  return isLinked ? `region ${bus.region} still` : undefined;
}

/**
 * Waits until no server of the region has a connection of the link. One that a cut left over carries on when the cut ends, until
 * nats-server notices that nobody answers.
 * @throws {ScriptError} where one stays, or a server does not say that it has none.
 */
export async function waitUntilUnlinked(bus: AskedBus, droppedMs = DROPPED_MS): Promise<void> {
  const giveUp = performance.now() + droppedMs;
  for (;;) {
    const linked = await findLinked(bus);
    if (linked === undefined) return;
    if (performance.now() > giveUp) {
      throw new ScriptError(
        `${linked} has a link that carries this home: close it on each server (sluice region link)`,
      );
    }
    await delay(LOOK_MS);
  }
}
