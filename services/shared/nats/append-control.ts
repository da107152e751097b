import type { JetStreamClient } from "@nats-io/jetstream";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { isLostRace } from "./is-lost-race.ts";

/**
 * Appends a control entry to a tenant's log and answers its sequence, once the log has stored it. Entries are idempotent:
 * after `unavailable` the entry may or may not be there, and appending it again is right.
 * @throws {AppError} `unavailable` when the log did not acknowledge it as a new entry of this very stream;
 * `version_conflict` when `lastSubjectSequence` (0: none) is not the sequence of the last entry of this subject.
 */
export async function appendControl(
  js: JetStreamClient,
  tenant: string,
  subject: string,
  entry: object,
  expect: { readonly lastSubjectSequence?: number } = {},
): Promise<number> {
  try {
    const ack = await js.publish(subject, JSON.stringify(entry), { timeout: 5_000, expect });
    if (!ack.duplicate && ack.stream === logStreamName(tenant)) return ack.seq;
  } catch (error) {
    if (isLostRace(error)) {
      throw new AppError("version_conflict", `the log of tenant ${tenant} has a newer entry`, { cause: error });
    }
    throw new AppError("unavailable", `the log of tenant ${tenant} did not store the change; try again`, {
      cause: error,
    });
  }
  throw new AppError("unavailable", `the control entry for tenant ${tenant} did not become a new entry of its log`);
}
