import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { isLostRace } from "#shared/nats/is-lost-race.ts";
import { openBucket } from "#shared/nats/open-bucket.ts";
import type { Tombstones } from "../tenants/tenant-deps.ts";
import { answered } from "./answered.ts";
import { BUCKET, HISTORY, POLICY_ROOM } from "./policy-kv.ts";
import type { PolicyParts } from "./policy-parts-kv.ts";

const tombstoneSchema = z.object({ version: z.int().min(1) });

/** Tombstones in the bucket of policies, under keys that no tenant has. */
export async function openTombstonesKv(
  connection: NatsConnection,
  parts: Pick<PolicyParts, "end" | "removeAll">,
  replicas: number,
): Promise<Tombstones> {
  const bucket = await openBucket(connection, BUCKET, { replicas, room: POLICY_ROOM, history: HISTORY });
  return {
    async bury(tenant, tombstone, revision) {
      // A tenant that is made anew under this name writes behind this place.
      const through = await parts.end();
      const isBuried = await answered(async () => {
        await bucket.put(keyOf(tenant), JSON.stringify(tombstone));
        try {
          await bucket.purge(tenant, { previousSeq: revision });
          return true;
        } catch (error) {
          if (isLostRace(error)) return false;
          throw error;
        }
      });
      // What stays because this fails is no part of any version, and is collected.
      if (isBuried) await parts.removeAll(tenant, through);
      return isBuried;
    },
    read: (tenant) =>
      answered(async () => {
        const entry = await bucket.get(keyOf(tenant));
        return entry?.operation === "PUT" ? tombstoneSchema.parse(JSON.parse(entry.string())) : undefined;
      }),
  };
}

/** A tenant's name holds no dot. */
function keyOf(tenant: string): string {
  return `gone.${tenant}`;
}
