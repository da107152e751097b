import type { Observer } from "../../services/stream/observe/observer.ts";

/** Tells nobody, and throws what nobody expects; `change` says what a test listens to. */
export function silentObserver(change: Partial<Observer> = {}): Observer {
  return {
    refused: () => {},
    tenantFull: () => {},
    opened: () => {},
    caughtUp: () => {},
    delivered: () => {},
    noticed: () => {},
    ended: () => {},
    quarantined: () => {},
    decided: () => {},
    decisionAsked: () => {},
    sessionsAsked: () => {},
    tokenVerified: () => {},
    feedDisturbed: () => {},
    feedHole: () => {},
    policyApplied: () => {},
    withoutRule: () => {},
    fault: (error) => {
      throw error;
    },
    ...change,
  };
}
