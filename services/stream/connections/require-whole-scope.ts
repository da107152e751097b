import { AppError } from "#shared/errors/app-error.ts";
import { topicsWithin } from "#shared/protocol/scope.ts";
import { patternCovers } from "#shared/protocol/topics.ts";
import type { Registration } from "../access/registration.ts";
import type { TenantAccess } from "../access/tenant-access.ts";

/** A few milliseconds of work. Topics that take more are as good as beyond the scope. */
const MAX_EFFORT = 50_000;

/**
 * Refuses a durable subscription to a token whose scope leaves out a part of its topics: what the holder may not see counts as looked at,
 * and its person would never get it. Ask it once the grant is known.
 * @throws {AppError} `forbidden`.
 */
export function requireWholeScope(
  { subject, topics }: Pick<Registration, "subject" | "topics">,
  { decisions }: Pick<TenantAccess, "decisions">,
): void {
  const { scope } = subject;
  if (scope === undefined) return;
  const effort = { left: MAX_EFFORT };
  const isWithin = (topic: string): boolean =>
    decisions
      .permissionsUnder(topic, effort)
      .every((permission) => topicsWithin(scope, permission).some((pattern) => patternCovers(pattern, topic)));
  if (topics.every(isWithin) && effort.left >= 0) return;
  throw new AppError(
    "forbidden",
    "the token's scope leaves out a part of the subscription's topics, which would be lost: make one within the scope",
  );
}
