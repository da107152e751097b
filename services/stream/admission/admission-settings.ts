import { z } from "zod";
import { integerSchema } from "#shared/config/read-config.ts";
import { proxiesSchema } from "#shared/http/client-address.ts";
import { redisSettings } from "#shared/redis/redis-settings.ts";
import type { AdmissionDeps } from "./admission.ts";
import type { CallLimitSettings } from "./call-limits.ts";
import { poolsSchema } from "./pools.ts";

/** What a limit of the edge may be. */
const limitSchema = integerSchema(1, 1_000_000_000);

const { REDIS_URL, ...redisFiles } = redisSettings;

/** Who is let in: the limits that count where a tenant's say nothing else, and how callers are counted. */
export const admissionSettings = {
  /** Where all workers and edges count together. Without it each keeps to its share of the limits. */
  REDIS_URL: REDIS_URL.optional(),
  ...redisFiles,
  /** How many workers, of all edges, share the limits while Redis does not say so; as many as this edge has by default. */
  STREAM_LIMITS_SHARED_BY: integerSchema(1, 4_096).optional(),
  /** The tiers that have places of their own, and what percentage of the places. */
  STREAM_POOLS: poolsSchema,
  STREAM_CONNECTIONS_PER_SESSION: limitSchema.default(50),
  STREAM_CONNECTIONS_PER_SUBJECT: limitSchema.default(200),
  STREAM_CONNECTIONS_PER_ADDRESS: limitSchema.default(1_000),
  STREAM_HANDSHAKES_PER_ADDRESS_PER_MINUTE: limitSchema.default(3_000),
  STREAM_HANDSHAKES_PER_SUBJECT_PER_MINUTE: limitSchema.default(240),
  STREAM_POLLS_PER_ADDRESS_PER_MINUTE: limitSchema.default(12_000),
  STREAM_POLLS_PER_SUBJECT_PER_MINUTE: limitSchema.default(600),
  STREAM_CALLS_PER_ADDRESS_PER_MINUTE: limitSchema.default(3_000),
  STREAM_CALLS_PER_SUBJECT_PER_MINUTE: limitSchema.default(240),
  STREAM_ACKS_PER_ADDRESS_PER_MINUTE: limitSchema.default(30_000),
  STREAM_ACKS_PER_SUBJECT_PER_MINUTE: limitSchema.default(3_000),
  /** Proxies whose word on the client's address is believed: addresses and CIDR ranges, separated by commas. */
  STREAM_TRUSTED_PROXIES: proxiesSchema,
  /** The header in which they say it, one that they overwrite or append to. */
  STREAM_FORWARDED_HEADER: z.enum(["x-forwarded-for", "forwarded"]).default("x-forwarded-for"),
  /** `v2`: each connection of a trusted proxy begins with a header of the PROXY protocol. */
  STREAM_PROXY_PROTOCOL: z.enum(["off", "v2"]).default("off"),
};

/** The settings, checked. */
export type AdmissionSettings = Readonly<z.infer<z.ZodObject<typeof admissionSettings>>>;

/** The limits of streams that count where a tenant's say nothing else. */
export function limitsOf(settings: AdmissionSettings): Pick<AdmissionDeps, "pools" | "limits"> {
  return {
    pools: settings.STREAM_POOLS,
    limits: {
      connectionsPerSession: settings.STREAM_CONNECTIONS_PER_SESSION,
      connectionsPerSubject: settings.STREAM_CONNECTIONS_PER_SUBJECT,
      connectionsPerAddress: settings.STREAM_CONNECTIONS_PER_ADDRESS,
      handshakesPerSubjectPerMinute: settings.STREAM_HANDSHAKES_PER_SUBJECT_PER_MINUTE,
      handshakesPerAddressPerMinute: settings.STREAM_HANDSHAKES_PER_ADDRESS_PER_MINUTE,
      pollsPerSubjectPerMinute: settings.STREAM_POLLS_PER_SUBJECT_PER_MINUTE,
      pollsPerAddressPerMinute: settings.STREAM_POLLS_PER_ADDRESS_PER_MINUTE,
    },
  };
}

/** The limits of calls about streams. */
export function callLimitsOf(settings: AdmissionSettings): Omit<CallLimitSettings, "wall"> {
  return {
    perAddressPerMinute: settings.STREAM_CALLS_PER_ADDRESS_PER_MINUTE,
    perSubjectPerMinute: settings.STREAM_CALLS_PER_SUBJECT_PER_MINUTE,
    acksPerAddressPerMinute: settings.STREAM_ACKS_PER_ADDRESS_PER_MINUTE,
    acksPerSubjectPerMinute: settings.STREAM_ACKS_PER_SUBJECT_PER_MINUTE,
  };
}
