import { z } from "zod";
import { integerSchema } from "#shared/config/read-config.ts";
import { listedHostsSchema } from "./callback-url.ts";
import type { LaneLimits } from "./lanes.ts";

/** The variables of the process that posts webhooks. */
export const webhookSettings = {
  STREAM_ROLE: z.enum(["edge", "webhooks"]).default("edge").meta({
    description:
      "`webhooks`: this process has no public port, and posts the events of subscriptions with a callback. It is one process, whatever `STREAM_WORKERS` says",
    see: "guides/webhooks.md",
  }),
  STREAM_WEBHOOK_SECRETS_FILE: z.string().optional().meta({
    description:
      "the file with the secrets that webhooks are signed with; read in the role `webhooks` alone, as all `STREAM_WEBHOOK_…`",
    see: "guides/webhooks.md#secrets",
  }),
  STREAM_WEBHOOK_HOSTS: listedHostsSchema.meta({
    description:
      "hosts of webhooks that may be within the operator's network, and be spoken to without TLS, with commas",
    example: "hooks.internal:8443,10.0.0.7",
  }),
  STREAM_WEBHOOK_TIMEOUT_MS: integerSchema(100, 60_000)
    .default(15_000)
    .describe(
      "how long the receiver of a webhook may take until the head of its answer, from the first look at its name",
    ),
  STREAM_WEBHOOK_POSTS: integerSchema(1, 10_000)
    .default(128)
    .describe(
      "webhooks under way at a time; half of them of one tenant, a sixteenth of them of one tenant to one host",
    ),
};

/** How many messages may be under way, by the setting of all. */
export function laneLimitsOf(posts: number): LaneLimits {
  return { inAll: posts, perHost: Math.ceil(posts / 16) };
}
