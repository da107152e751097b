import type { NatsConnection } from "@nats-io/transport-node";
import { REVOKED_BUCKET, revokedKey } from "#shared/contract/revocations.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { openBucket } from "#shared/nats/open-bucket.ts";
import type { Revocations } from "./session.ts";

/** How much longer than the longest session an end is remembered. */
const MARGIN_MS = 86_400_000;

/** The bucket of ended sessions in JetStream, which remembers an end for longer than any session lasts. */
export async function openRevocations(
  nats: NatsConnection,
  { replicas, sessionMs }: { replicas: number; sessionMs: number },
): Promise<Revocations> {
  const kv = await openBucket(nats, REVOKED_BUCKET, { replicas, ttlMs: sessionMs + MARGIN_MS });
  return {
    async record(tenant, sid) {
      await answered(kv.put(revokedKey(tenant, sid), "revoked"));
    },
    async includes(tenant, sid) {
      return (await answered(kv.get(revokedKey(tenant, sid)))) !== null;
    },
  };
}

async function answered<Answer>(call: Promise<Answer>): Promise<Answer> {
  try {
    return await call;
  } catch (error) {
    throw new AppError("unavailable", "revocations cannot be read or written right now; try again", { cause: error });
  }
}
