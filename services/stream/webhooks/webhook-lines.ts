import { toAppError } from "#shared/errors/app-error.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import type { SubscriptionKey } from "../durable/subscription-store.ts";
import type { ServeWebhooksObserver } from "./serve-webhooks.ts";
import type { WebhookObserver } from "./webhook-connection.ts";

/** The lines about webhooks. None names an address or a secret: an address may be one. */
export interface WebhookLines extends ServeWebhooksObserver, Pick<WebhookObserver, "troubled"> {
  /** A host takes no messages of a tenant, or does again. */
  switched(tenant: string, host: string, isAway: boolean): void;
  /** A callback is gone for good, and its subscription with it. */
  gone(key: SubscriptionKey): void;
}

/** Writes them to the service's log. */
export function createWebhookLines(log: Pick<LimitedLog, "write">): WebhookLines {
  return {
    untaken(key, error) {
      const { code, message } = toAppError(error);
      const facts = { ...factsOf(key), code, reason: message };
      log.write(
        "warn",
        "webhook untaken",
        facts,
        "a subscription cannot be delivered to its callback; it is tried again",
      );
    },
    troubled({ hold }, reason) {
      const facts = { ...factsOf(hold.key), reason };
      if (reason === undefined) log.write("info", "webhook well", facts, "a callback takes its events again");
      else log.write("warn", "webhook troubled", facts, "a callback does not take its events; they come again");
    },
    switched(tenant, host, isAway) {
      const facts = { tenant, host };
      if (isAway)
        log.write(
          "warn",
          "webhook host away",
          facts,
          "a host takes no webhooks: it is left alone, but for one now and then",
        );
      else log.write("info", "webhook host back", facts, "a host takes webhooks again");
    },
    gone(key) {
      log.write("info", "webhook gone", factsOf(key), "a callback has answered 410: its subscription is deleted");
    },
  };
}

function factsOf({ tenant, subject, name }: SubscriptionKey): object {
  return { tenant, subject, subscription: name };
}
