/** What the console's lists are of: whoever looks at one is told when it has changed. */
export const LIVE_THINGS = ["connections", "subscriptions"] as const;

export type LiveThing = (typeof LIVE_THINGS)[number];
