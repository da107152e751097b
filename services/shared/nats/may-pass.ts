import { JetStreamApiError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";

/**
 * What a cluster of JetStream says while it has no leader or too few servers: not available, not the leader, no suitable peers, no
 * quorum or insufficient resources.
 */
const PASSING_CODES: readonly number[] = [10_008, 10_009, 10_005, 10_023];

/** Whether JetStream may answer the same request otherwise in a moment: a cluster elects its leaders anew now and then. */
export function mayPass(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return PASSING_CODES.includes(error.code);
  return error instanceof errors.TimeoutError || error instanceof errors.NoRespondersError;
}
