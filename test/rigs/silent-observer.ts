import type { Observer } from "../../services/stream/observe/observer.ts";

/** Counts nothing and throws faults; `change` replaces methods. */
export function silentObserver(change: Partial<Observer> = {}): Observer {
  return {
    refused: () => {},
    turnedAway: () => {},
    opened: () => {},
    caughtUp: () => {},
    delivered: () => {},
    topicsChanged: () => {},
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
    withheld: () => {},
    ready: () => {},
    resumed: () => {},
    firstEvent: () => {},
    flushed: () => {},
    deliveredAfter: () => {},
    fed: () => {},
    revoked: () => {},
    counted: () => {},
    idle: () => {},
    peerSwitched: () => {},
    overloadEntered: () => {},
    overloadLeft: () => {},
    subscriptionChanged: () => {},
    transportFailed: () => {},
    transportSwitched: () => {},
    began: () => {},
    recorded: () => {},
    fault: (error) => {
      throw error;
    },
    ...change,
  };
}
