import { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";
import type { From } from "../log/resume.ts";
import { MAX_TOPICS, parseFrom, requirePatterns } from "./parse-subscription.ts";

const HOUR_MS = 3_600_000;

/** The most events that may be open at a time: each is some 30 bytes of the record, which is stored again and again. */
const MAX_WINDOW = 1_000;

/** The body of a call that makes or changes a durable subscription. */
export const wishSchema = z.strictObject({
  topics: z.array(z.string()).min(1).max(MAX_TOPICS),
  window: z.int().min(1).max(MAX_WINDOW).default(100),
  ackWaitMs: z.int().min(1_000).max(HOUR_MS).default(30_000),
  backoffMs: z
    .array(
      z
        .int()
        .min(100)
        .max(24 * HOUR_MS),
    )
    .max(20)
    .default([]),
  maxDeliver: z.int().min(1).max(100).default(5),
  from: z.string().default("now"),
  /** Seconds without a stream after which it is deleted. */
  ttl: z.int().min(60).optional(),
});

/** A durable subscription as its owner wants it. */
export interface WishedSubscription {
  readonly topics: readonly string[];
  readonly definition: {
    readonly window: number;
    readonly ackWaitMs: number;
    readonly backoffMs: number[];
    readonly maxDeliver: number;
    readonly ttlSeconds: number;
  };
  readonly from: From;
}

/**
 * Checks what a body asks for; a subscription lives `maxTtlSeconds` at most.
 * @throws {AppError} `malformed_topic`, `malformed_request`.
 */
export function parseWish(
  { topics, from, ttl, ...definition }: z.infer<typeof wishSchema>,
  maxTtlSeconds: number,
): WishedSubscription {
  requirePatterns(topics, "topics:");
  if (ttl !== undefined && ttl > maxTtlSeconds) {
    throw new AppError("malformed_request", `ttl may be ${maxTtlSeconds} seconds`);
  }
  return {
    topics: [...new Set(topics)].toSorted(),
    definition: { ...definition, ttlSeconds: ttl ?? maxTtlSeconds },
    from: parseFrom(from),
  };
}
