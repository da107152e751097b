import { z } from "zod";
import { nameSchema } from "#shared/contract/name-schema.ts";

/** No limit is larger: JSON, protobuf and Lua all carry it exactly. */
const MAX_LIMIT = 1_000_000_000_000;

const limitSchema = z.int().min(0).max(MAX_LIMIT);

const percentSchema = z.int().min(0).max(100);

/** The limits that a tier may name, and a tenant instead of it. */
const tierLimitsShape = {
  /** Streams at a time, on all edges together. */
  connections: limitSchema.optional(),
  /** Streams at a time that one session, one subject, one client address may have. */
  connectionsPerSession: limitSchema.optional(),
  connectionsPerSubject: limitSchema.optional(),
  connectionsPerAddress: limitSchema.optional(),
  /** Streams that begin in a second, on all edges together. */
  handshakesPerSecond: limitSchema.optional(),
  /** Streams that one subject may ask for in a minute, and calls about its streams. */
  handshakesPerSubjectPerMinute: limitSchema.optional(),
  callsPerSubjectPerMinute: limitSchema.optional(),
  topicsPerStream: limitSchema.optional(),
  /** What readers of one tenant may have read again from its log. */
  historyBytesPerMinute: limitSchema.optional(),
  publishedEventsPerSecond: limitSchema.optional(),
  /** Changes of the tenant's policy. */
  changesPerSecond: limitSchema.optional(),
  /** The share of clients that may use a transport. */
  websocketPercent: percentSchema.optional(),
  ndjsonPercent: percentSchema.optional(),
  pollPercent: percentSchema.optional(),
};

const tenantLimitsShape = {
  tier: nameSchema.optional(),
  /** What the tenant's log keeps. */
  historyBytes: limitSchema.min(1024 * 1024).optional(),
  /** An age below the broker's memory for repeated ids is none that it takes. */
  historyAgeSeconds: z
    .int()
    .min(120)
    .max(3_650 * 86_400)
    .optional(),
  ...tierLimitsShape,
};

/** What a tenant may use, as an operator sets it. */
export const tenantLimitsSchema = z.strictObject(tenantLimitsShape);

/** What a tenant may use, as it is stored, by this release or another. */
export const storedLimitsSchema = z.object(tenantLimitsShape);

/** The tenant's tier, and what it may use otherwise than its tier says. */
export type TenantLimits = z.infer<typeof storedLimitsSchema>;

/** A tier's limits, as the operator's file has them. */
export const tierLimitsSchema = z.strictObject(tierLimitsShape);

/** The limits of a tier, and of a tenant by its tier and its own; one that is not there does not limit. */
export type TierLimits = z.infer<typeof tierLimitsSchema>;
