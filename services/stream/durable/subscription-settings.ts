import { z } from "zod";
import { integerSchema } from "#shared/config/read-config.ts";
import type { LifeTimes } from "./life.ts";

const DAY_SECONDS = 86_400;

/** A holder notes once an hour that it is there: nothing shorter would tell it from one that is gone. */
const lifeSchema = integerSchema(2 * 3_600, 365 * DAY_SECONDS);

/** The variables of durable subscriptions. */
export const subscriptionSettings = {
  STREAM_SUBSCRIPTIONS_PER_SUBJECT: integerSchema(0, 1_000).default(20).meta({
    description: "durable subscriptions of one person",
    see: "guides/durable-subscriptions.md",
  }),
  STREAM_SUBSCRIPTIONS_PER_TENANT: integerSchema(0, 10_000_000)
    .default(100_000)
    .describe("durable subscriptions of one tenant"),
  STREAM_SUBSCRIPTION_EXPIRES_SECONDS: lifeSchema
    .default(7 * DAY_SECONDS)
    .describe("after so long without a stream a durable subscription is expired"),
  STREAM_SUBSCRIPTION_ARCHIVES_SECONDS: lifeSchema
    .default(15 * DAY_SECONDS)
    .describe("after so long without a stream a durable subscription is archived"),
  STREAM_SUBSCRIPTION_DELETES_SECONDS: lifeSchema
    .default(30 * DAY_SECONDS)
    .describe("after so long without a stream a durable subscription is deleted"),
};

const settingsSchema = z.object(subscriptionSettings);

type SubscriptionSettings = z.infer<typeof settingsSchema>;

/** How many subscriptions there may be, and how long they live. */
export function subscriptionLimitsOf(settings: SubscriptionSettings): {
  readonly most: { readonly perSubject: number; readonly perTenant: number; readonly ttlSeconds: number };
  readonly life: LifeTimes;
} {
  return {
    most: {
      perSubject: settings.STREAM_SUBSCRIPTIONS_PER_SUBJECT,
      perTenant: settings.STREAM_SUBSCRIPTIONS_PER_TENANT,
      ttlSeconds: settings.STREAM_SUBSCRIPTION_DELETES_SECONDS,
    },
    life: {
      expiresMs: settings.STREAM_SUBSCRIPTION_EXPIRES_SECONDS * 1_000,
      archivesMs: settings.STREAM_SUBSCRIPTION_ARCHIVES_SECONDS * 1_000,
    },
  };
}
