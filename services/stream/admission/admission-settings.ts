import { z } from "zod";
import { integerSchema } from "#shared/config/read-config.ts";
import { proxiesSchema } from "#shared/http/client-address.ts";
import { sharedLimitsRedisSettings } from "#shared/redis/redis-settings.ts";
import type { AdmissionDeps } from "./admission.ts";
import type { CallLimitSettings } from "./call-limits.ts";
import { poolsSchema } from "./pools.ts";

/** What a limit of the edge may be. */
const limitSchema = integerSchema(1, 1_000_000_000);

/** Who is let in: the limits that count where a tenant's say nothing else, and how callers are counted. */
export const admissionSettings = {
  ...sharedLimitsRedisSettings,
  STREAM_LIMITS_SHARED_BY: integerSchema(1, 4_096).optional().meta({
    description:
      "how many workers, of all edges, share the limits while Redis does not say so, and are waited for where presence is asked about; by default as many as this edge has",
    see: "operate/limits.md#counting-together",
  }),
  STREAM_POOLS: poolsSchema.meta({
    description: "the percentage of the places that a tier has for itself, by default `premium=10`, or `none`",
    example: "premium=10,basic=5",
    see: "operate/limits.md#pools",
  }),
  STREAM_CONNECTIONS_PER_SESSION: limitSchema.default(50).meta({
    description: "streams of one session at a time, where the tenant's limits say nothing else",
    see: "operate/limits.md#every-limit",
  }),
  STREAM_CONNECTIONS_PER_SUBJECT: limitSchema
    .default(200)
    .describe("streams of one person at a time, where the tenant's limits say nothing else"),
  STREAM_CONNECTIONS_PER_ADDRESS: limitSchema
    .default(1_000)
    .describe("streams of one address at a time, where the tenant's limits say nothing else"),
  STREAM_HANDSHAKES_PER_ADDRESS_PER_MINUTE: limitSchema.default(3_000).describe("streams that one address asks for"),
  STREAM_HANDSHAKES_PER_SUBJECT_PER_MINUTE: limitSchema.default(240).describe("streams that one person asks for"),
  STREAM_POLLS_PER_ADDRESS_PER_MINUTE: limitSchema.default(12_000).describe("polls of one address"),
  STREAM_POLLS_PER_SUBJECT_PER_MINUTE: limitSchema
    .default(600)
    .describe("polls of one person; a client asks twice a second at most, under constant events"),
  STREAM_CALLS_PER_ADDRESS_PER_MINUTE: limitSchema
    .default(3_000)
    .describe("calls about streams and about presence, of one address"),
  STREAM_CALLS_PER_SUBJECT_PER_MINUTE: limitSchema
    .default(240)
    .describe("calls about streams and about presence, of one person"),
  STREAM_ACKS_PER_ADDRESS_PER_MINUTE: limitSchema
    .default(30_000)
    .describe("calls that acknowledge events of durable subscriptions, of one address"),
  STREAM_ACKS_PER_SUBJECT_PER_MINUTE: limitSchema
    .default(3_000)
    .describe("calls that acknowledge events of durable subscriptions, of one person"),
  STREAM_TRUSTED_PROXIES: proxiesSchema.meta({
    description: "proxies whose word on the client's address is believed: addresses and CIDR ranges, with commas",
    example: "10.0.0.0/8,fd00::/8",
    see: "operate/limits.md#the-clients-address",
  }),
  STREAM_FORWARDED_HEADER: z
    .enum(["x-forwarded-for", "forwarded"])
    .default("x-forwarded-for")
    .describe("the header in which trusted proxies name the client, one that they overwrite or append to"),
  STREAM_PROXY_PROTOCOL: z
    .enum(["off", "v2"])
    .default("off")
    .describe("`v2`: each connection of a trusted proxy begins with a header of the PROXY protocol"),
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
