import { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { patternTextSchema } from "#shared/contract/topic-schema.ts";
import { MAX_URL_CHARACTERS } from "#shared/contract/subscription-record.ts";
import type { From } from "../log/resume.ts";
import { parseFrom, requirePatterns } from "./parse-subscription.ts";
import { MAX_TOPICS } from "./stream-parameters.ts";

const HOUR_MS = 3_600_000;

/** The most events that may be open at a time: each is some 30 bytes of the record, which is stored again and again. */
export const MAX_WINDOW = 1_000;

/** The body of a call that makes or changes a durable subscription. */
export const wishSchema = z.strictObject({
  topics: z.array(patternTextSchema).min(1).max(MAX_TOPICS),
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
    .optional(),
  maxDeliver: z.int().min(1).max(100).optional(),
  from: z.string().default("now"),
  /** Seconds without a stream after which it is deleted. */
  ttl: z.int().min(60).optional(),
  /** Where it is delivered to instead of a stream. */
  deliver: z.strictObject({ url: z.string().max(MAX_URL_CHARACTERS), secretRef: nameSchema }).optional(),
});

const MINUTE_MS = 60_000;

/** What counts where the body says nothing. A callback that is down is back within a day, or somebody has to look after it. */
const DEFAULTS = {
  stream: { backoffMs: [], maxDeliver: 5 },
  callback: {
    backoffMs: [5_000, MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 6 * HOUR_MS, 12 * HOUR_MS],
    maxDeliver: 8,
  },
};

/** A durable subscription as its owner wants it. */
export interface WishedSubscription {
  readonly topics: readonly string[];
  readonly definition: {
    readonly window: number;
    readonly ackWaitMs: number;
    readonly backoffMs: number[];
    readonly maxDeliver: number;
    readonly ttlSeconds: number;
    readonly deliver?: { readonly url: string; readonly secretRef: string } | undefined;
  };
  readonly from: From;
}

/**
 * Checks what a body asks for; a subscription lives `maxTtlSeconds` at most.
 * @throws {AppError} `malformed_topic`, `malformed_request`.
 */
export function parseWish(
  { topics, from, ttl, deliver, backoffMs, maxDeliver, ...definition }: z.infer<typeof wishSchema>,
  maxTtlSeconds: number,
): WishedSubscription {
  requirePatterns(topics, "topics:");
  if (ttl !== undefined && ttl > maxTtlSeconds) {
    throw new AppError("malformed_request", `ttl may be ${maxTtlSeconds} seconds`);
  }
  const defaults = deliver === undefined ? DEFAULTS.stream : DEFAULTS.callback;
  return {
    topics: [...new Set(topics)].toSorted(),
    definition: {
      ...definition,
      backoffMs: backoffMs ?? defaults.backoffMs,
      maxDeliver: maxDeliver ?? defaults.maxDeliver,
      ttlSeconds: ttl ?? maxTtlSeconds,
      ...(deliver && { deliver }),
    },
    from: parseFrom(from),
  };
}
