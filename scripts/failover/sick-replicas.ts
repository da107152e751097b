import { z } from "zod";
import { HEALTH_QUESTION } from "../region/operator-user.ts";
import { type AskedBus, askServers } from "./ask-servers.ts";
import { isHomeStream } from "./home-stream.ts";

/** What a server says of its replicas; of those that follow it says nothing. */
const healthSchema = z.object({
  errors: z
    .array(z.object({ account: z.string().default(""), stream: z.string().default(""), error: z.string() }))
    .nullable()
    .default(null),
});

/** A replica of a stream of the home that does not follow its leader, and why, in the words of its server. */
export interface SickReplica {
  readonly server: string;
  readonly stream: string;
  readonly error: string;
}

/** What the servers of a region say of their replicas. */
export interface ReplicaHealth {
  readonly sick: readonly SickReplica[];
  /** Servers that run as far as the others know, and have said nothing. */
  readonly silent: readonly string[];
}

/**
 * Asks each server of a region whether its replicas of the home follow. Their leader need not know: it may take a replica for current that has
 * given its stream up, so a mirror may be level on one server alone. A region of one server has no replicas, and is not asked.
 */
export async function findSickReplicas(bus: AskedBus, account: string): Promise<ReplicaHealth> {
  const streams = await bus.streams();
  if (streams.every(({ config }) => config.num_replicas < 2)) return { sick: [], silent: [] };
  const { answers, silent } = await askServers(bus, HEALTH_QUESTION, { account, details: true });
  const sick = answers.flatMap(({ server, data }) => {
    const errors = healthSchema.parse(data).errors ?? [];
    return errors.flatMap(({ account: of, stream, error }) =>
      of === account && isHomeStream(stream) ? [{ server, stream, error }] : [],
    );
  });
  return { sick, silent };
}
