import { auditSubject, WHOLE_HOME } from "#shared/contract/audit-log.ts";
import { ScriptError } from "../shared/run-script.ts";
import type { RegionBus } from "./region-bus.ts";

/** What the audit trail says of a home's seat. */
export interface HomeChange {
  readonly event: "region_fenced" | "region_promoted" | "region_rejoined";
  /** Where it was done. */
  readonly region: string;
  readonly term: number;
  /** Who did it. */
  readonly by: string;
  readonly [detail: string]: unknown;
}

const TIMEOUT_MS = 5_000;

/**
 * Writes an entry into the home's audit trail, and answers once it is stored.
 * @throws {ScriptError} where it is not: nothing happens without an entry.
 */
export async function noteHomeChange(bus: RegionBus, change: HomeChange): Promise<void> {
  const line = JSON.stringify({ at: new Date().toISOString(), tenant: WHOLE_HOME, ...change });
  const subject = auditSubject(WHOLE_HOME, change.event);
  const answer = await bus.nats
    .request(subject, line, { timeout: TIMEOUT_MS })
    .then((message) => message.json<{ error?: { description: string } }>())
    .catch((error: Error) => ({ error: { description: error.message } }));
  if (answer.error === undefined) return;
  throw new ScriptError(`the audit trail in region ${bus.region} takes no entry (${answer.error.description})`);
}
