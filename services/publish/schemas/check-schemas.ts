import { AppError } from "#shared/errors/app-error.ts";
import { topicMatches } from "#shared/protocol/topics.ts";
import { JobEndedError } from "#shared/work/worker-pool.ts";
import type { PublishedEvent } from "../events/published-event.ts";
import type { SchemaQuestion } from "./schema-job.ts";
import type { SchemaPool } from "./schema-pool.ts";
import type { TenantSchemas } from "./schema-file.ts";

/** What checking the events of one request may take of a thread's processor time. */
const DEADLINE_MS = 100;

/**
 * Refuses events whose data does not fit the tenant's schema for their type. Types without one are free.
 * @throws {AppError} `schema_violated` with the event, the path in its data and what is wrong; `unavailable` where too many wait.
 */
export type CheckSchemas = (tenant: string, events: readonly PublishedEvent[]) => Promise<void>;

/** Makes the check by the schemas that `find` gives for a tenant. */
export function createSchemaCheck(find: (tenant: string) => TenantSchemas, pool: SchemaPool): CheckSchemas {
  return async (tenant, events) => {
    const schemas = find(tenant);
    const questions = events.flatMap((event, place) => questionOf(schemas, event, place));
    if (questions.length === 0) return;
    const limits = { deadlineMs: DEADLINE_MS, mayBeRefused: true };
    const violation = await pool.run(tenant, { kind: "check", events: questions }, limits).catch((error: unknown) => {
      if (!(error instanceof JobEndedError)) throw error;
      throw violated("checking the data against its schema takes too long", { cause: error });
    });
    if (violation === undefined) return;
    const where = events.length === 1 ? "" : `events[${violation.place}]: `;
    throw violated(where + violation.fault);
  };
}

function questionOf(schemas: TenantSchemas, { type, payload }: PublishedEvent, place: number): SchemaQuestion[] {
  const found = schemas.find(({ pattern }) => topicMatches(pattern, type));
  return found === undefined ? [] : [{ place, schema: found.schema, text: payload.toString("utf8") }];
}

function violated(message: string, options: ErrorOptions = {}): AppError {
  return new AppError("schema_violated", message, options);
}
