import { JetStreamApiError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import { BootError } from "#shared/config/read-config.ts";
import { AppError } from "#shared/errors/app-error.ts";

/**
 * What a cluster of JetStream says while it has no leader or too few servers: not available, not the leader, no suitable peers,
 * insufficient resources.
 */
const PASSING_CODES: readonly number[] = [10_008, 10_009, 10_005, 10_023];

/** Whether JetStream may answer the same request otherwise in a moment: a cluster elects its leaders anew now and then. */
function mayPass(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return PASSING_CODES.includes(error.code);
  return error instanceof errors.TimeoutError || error instanceof errors.NoRespondersError;
}

/** What a start throws that has failed with this error: `unavailable`, so that it is tried again, or a BootError. */
export function startFault(error: unknown, message: string): AppError | BootError {
  return mayPass(error) ? new AppError("unavailable", message, { cause: error }) : new BootError(message);
}
