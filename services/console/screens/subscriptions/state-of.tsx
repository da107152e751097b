import type { SubscriptionView } from "#shared/contract/subscription-view.ts";
import { Badge } from "../../parts/badge.tsx";

/** A subscription's state in a word. */
export function StateOf({ subscription }: { readonly subscription: SubscriptionView }) {
  const { state, holder, webhook } = subscription;
  if (state === "unreadable") return <Badge tone="bad">unreadable</Badge>;
  if (state === "archived" || state === "expired") return <Badge tone="quiet">{state}</Badge>;
  if (state === "paused") return <Badge tone="warn">paused</Badge>;
  if (webhook?.breaker?.resting === true) return <Badge tone="bad">host rests</Badge>;
  if (webhook?.failure) return <Badge tone="warn">not taken</Badge>;
  return holder === null ? <Badge tone="quiet">nobody holds it</Badge> : <Badge tone="good">delivering</Badge>;
}
