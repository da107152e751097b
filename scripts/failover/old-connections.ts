import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { ScriptError } from "../shared/run-script.ts";
import { type AskedBus, askServers } from "./ask-servers.ts";
import { fencedAt, type HomeStream } from "./home-stream.ts";

/** Each server of the region tells of the connections that this account has there. */
const CALL = "$SYS.REQ.ACCOUNT.PING.CONNZ";

/** More than an account of a home ever has: two processes each of auth and policy, and commands. */
const MAX_CONNECTIONS = 1_024;

/** Who may give a home's streams other settings, as the services call their connections. */
const WRITERS: readonly string[] = ["sluice-auth", "sluice-policy"];

const answerSchema = z.object({
  connections: z
    .array(
      z.object({ name: z.string().default(""), ip: z.string().default(""), start: z.iso.datetime({ offset: true }) }),
    )
    .nullable()
    .default(null),
});

/** A process notices a fence within a second or two, and ends. */
const ENDED_MS = 10_000;
const LOOK_MS = 200;

/**
 * Waits until no process of auth or policy has its connection from before the fence. One that stands still, between having read a
 * stream's settings and giving it others, goes on whenever it is let: a mirror that has come in the stream's place would be an original
 * then. Once its connection is gone, nothing that it still sends arrives.
 * @throws {ScriptError} where one stays, or a server does not say who is connected.
 */
export async function waitUntilEnded(bus: AskedBus, fenced: readonly HomeStream[], endedMs = ENDED_MS): Promise<void> {
  const at = fencedAt(fenced) ?? Number.POSITIVE_INFINITY;
  const giveUp = performance.now() + endedMs;
  for (;;) {
    const fault = await faultOf(bus, at);
    if (fault === undefined) return;
    if (performance.now() > giveUp) throw new ScriptError(`${fault}. Nothing was deleted`);
    await delay(LOOK_MS);
  }
}

/** Why somebody may still write who was connected before that time; undefined where nobody can. */
async function faultOf(bus: AskedBus, at: number): Promise<string | undefined> {
  const { answers, silent } = await askServers(bus, CALL, { limit: MAX_CONNECTIONS });
  if (silent.length > 0) return `${silent.join(", ")} in region ${bus.region} does not say who is connected`;
  const connections = answers.flatMap(({ data }) => answerSchema.parse(data).connections ?? []);
  const old = connections.find(({ name, start }) => WRITERS.includes(name) && Date.parse(start) <= at);
  if (old === undefined) return undefined;
  return `in region ${bus.region} ${old.name} at ${old.ip} is connected since before the fence (${old.start}), and could still write: end that process, and begin again`;
}
