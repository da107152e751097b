import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import { orUnavailable } from "#shared/async/or-unavailable.ts";
import { AppError } from "#shared/errors/app-error.ts";

/** What was asked of a tenant's log; throws AppError `unavailable` when it does not answer, or there is none. */
export function answered<T>(tenant: string, ask: () => Promise<T>): Promise<T> {
  return orUnavailable(messageFor(tenant), ask);
}

/** The same; undefined where there is no log. */
export function answeredIfThere<T>(tenant: string, ask: () => Promise<T>): Promise<T | undefined> {
  return answered(tenant, async () => {
    try {
      return await ask();
    } catch (error) {
      if (isStreamNotFound(error)) return undefined;
      throw error;
    }
  });
}

/** The same; throws AppError `tenant_unknown` where there is no log. */
export function answeredOrUnknown<T>(tenant: string, ask: () => Promise<T>): Promise<T> {
  return answered(tenant, async () => {
    try {
      return await ask();
    } catch (error) {
      if (isStreamNotFound(error)) throw new AppError("tenant_unknown", "there is no such tenant", { cause: error });
      throw error;
    }
  });
}

/** A log that cannot be had right now, and why. */
export function logUnavailable(tenant: string, cause: unknown): AppError {
  return new AppError("unavailable", messageFor(tenant), { cause });
}

function messageFor(tenant: string): string {
  return `the log of tenant ${tenant} cannot be had right now; try again`;
}

function isStreamNotFound(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
}
