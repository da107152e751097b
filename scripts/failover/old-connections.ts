import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { ScriptError } from "../shared/run-script.ts";
import { fencedAt, type HomeStream } from "./home-stream.ts";
import type { RegionBus } from "./region-bus.ts";

/** Each server of the region tells of the connections that this account has there. */
const CALL = "$SYS.REQ.ACCOUNT.PING.CONNZ";
const ANSWERS = { strategy: "stall", maxWait: 2_000, stall: 300 } as const;

/** More than an account of a home ever has: two processes each of auth and policy, and commands. */
const MAX_CONNECTIONS = 1_024;

/** Who may give a home's streams other settings, as the services call their connections. */
const WRITERS: readonly string[] = ["sluice-auth", "sluice-policy"];

const answerSchema = z.object({
  data: z.object({
    connections: z
      .array(
        z.object({ name: z.string().default(""), ip: z.string().default(""), start: z.iso.datetime({ offset: true }) }),
      )
      .nullable()
      .default(null),
  }),
});

/** A region, as far as it is asked who is connected. */
interface AskedBus extends Pick<RegionBus, "region"> {
  readonly nats: Pick<NatsConnection, "requestMany">;
}

type Connection = NonNullable<z.infer<typeof answerSchema>["data"]["connections"]>[number];

/** A process notices a fence within a second or two, and ends. */
const ENDED_MS = 10_000;
const LOOK_MS = 200;

/**
 * Waits until no process of auth or policy has its connection from before the fence. One that stands still, between having read a
 * stream's settings and giving it others, goes on whenever it is let: a mirror that has come in the stream's place would be an original
 * then. Once its connection is gone, nothing that it still sends arrives.
 * @throws {ScriptError} where one stays.
 */
export async function waitUntilEnded(bus: AskedBus, fenced: readonly HomeStream[], endedMs = ENDED_MS): Promise<void> {
  const at = fencedAt(fenced) ?? Number.POSITIVE_INFINITY;
  const giveUp = performance.now() + endedMs;
  for (;;) {
    const old = (await listWriters(bus)).find(({ start }) => Date.parse(start) <= at);
    if (old === undefined) return;
    if (performance.now() > giveUp) {
      throw new ScriptError(
        `in region ${bus.region} ${old.name} at ${old.ip} is connected since before the fence (${old.start}), and could still write: end that process, and begin again. Nothing was deleted`,
      );
    }
    await delay(LOOK_MS);
  }
}

async function listWriters(bus: AskedBus): Promise<Connection[]> {
  const found: Connection[] = [];
  let answers = 0;
  for await (const message of await bus.nats.requestMany(CALL, JSON.stringify({ limit: MAX_CONNECTIONS }), ANSWERS)) {
    found.push(...(answerSchema.parse(message.json()).data.connections ?? []));
    answers += 1;
  }
  // This command is connected itself, so that somebody must know it.
  if (answers === 0)
    throw new ScriptError(`no server of region ${bus.region} says who is connected. Nothing was deleted`);
  return found.filter(({ name }) => WRITERS.includes(name));
}
