import type { EventReach } from "#shared/contract/tail-frame.ts";

/** Why an event reached nobody, in the row, and what can be done about it; `asMeant` where nothing needs to be. */
const REASONS = {
  no_rule: {
    asMeant: false,
    short: "nobody: no rule",
    advice: "The policy's event map names no permission for this type. Add it under events, or nobody ever sees it.",
  },
  nobody_connected: {
    asMeant: true,
    short: "nobody connected",
    advice: "No stream of the tenant was open. Whoever comes back with a Last-Event-ID still finds it in the log.",
  },
  no_topic: {
    asMeant: true,
    short: "nobody asked for it",
    advice: "Streams are open, and none of them asked for a topic that matches this one.",
  },
  denied: {
    asMeant: false,
    short: "nobody may see it",
    advice: "Streams asked for it, and the policy lets none of their people see it.",
  },
  behind: {
    asMeant: true,
    short: "nobody yet: behind",
    advice: "The streams that asked for it are catching up, and find it in their turn.",
  },
} as const;

/** How far an event came, in a few words. */
export function reachWords(reach: EventReach | undefined): string {
  if (reach === undefined) return "asking …";
  const { reached, connected, reason, partial } = reach;
  const more = partial ? ", as far as is known" : "";
  if (reason !== null) return REASONS[reason].short + more;
  if (reached === 0 && partial) return "not known any more";
  return `to ${reached.toLocaleString()} of ${connected.toLocaleString()} connected${more}`;
}

/** Whether an event reached nobody for a reason that its tenant may not mean. */
export function isWarning(reach: EventReach | undefined): boolean {
  return reach !== undefined && reach.reason !== null && !REASONS[reach.reason].asMeant;
}

/** What can be done about an event that reached nobody; undefined where there is nothing to do. */
export function reachAdvice(reach: EventReach | undefined): string | undefined {
  return reach === undefined || reach.reason === null ? undefined : REASONS[reach.reason].advice;
}
