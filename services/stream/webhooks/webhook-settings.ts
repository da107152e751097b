import { z } from "zod";
import { integerSchema } from "#shared/config/read-config.ts";
import { listedHostsSchema } from "./callback-url.ts";
import type { LaneLimits } from "./lanes.ts";

/** The variables of the process that posts webhooks. */
export const webhookSettings = {
  /** `webhooks`: this process has no public port, and posts the events of subscriptions with a callback. */
  STREAM_ROLE: z.enum(["edge", "webhooks"]).default("edge"),
  STREAM_WEBHOOK_SECRETS_FILE: z.string().optional(),
  /** Hosts that may be within the operator's network, and be spoken to without TLS. */
  STREAM_WEBHOOK_HOSTS: listedHostsSchema,
  STREAM_WEBHOOK_TIMEOUT_MS: integerSchema(100, 60_000).default(15_000),
  /** Messages under way at a time: in all, and a sixteenth of them of one tenant to one host. */
  STREAM_WEBHOOK_POSTS: integerSchema(1, 10_000).default(128),
};

/** How many messages may be under way, by the setting of all. */
export function laneLimitsOf(posts: number): LaneLimits {
  return { inAll: posts, perHost: Math.ceil(posts / 16) };
}
