import type { CallConnection } from "../call-connection.ts";
import { holdAnswerOf } from "../connections/calls/command-hold.ts";
import { Holds } from "../connections/holds.ts";
import type { Subscriptions } from "../connections/subscriptions.ts";
import { atHome } from "../durable/at-home.ts";
import type { LifeTimes } from "../durable/life.ts";
import type { RetryDelays } from "../sse/retry-delay.ts";
import type { Bus } from "./paced-bus.ts";
import { createCheckCallback } from "./callback-questions.ts";
import { createFindEnd, createFindReal, createSubscriptionStore } from "./subscriptions-kv.ts";

/** What durable subscriptions are opened with. */
export interface OpenSubscriptionsDeps extends Pick<Subscriptions, "most" | "now"> {
  readonly bus: Bus;
  /** Calls the holder of a subscription, wherever it is. */
  readonly call: CallConnection;
  readonly retryDelays: Pick<RetryDelays, "forReplaced">;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
  readonly life: LifeTimes;
  /** @throws {AppError} `wrong_region` where the records are written in another region. */
  readonly requireHere: () => void;
}

/** Opens the durable subscriptions of a worker. Disposing them waits until all that were let go are stored. */
export function openSubscriptions(deps: OpenSubscriptionsDeps): Subscriptions & AsyncDisposable {
  const { bus, wall, life, call, retryDelays, most, now, requireHere } = deps;
  const holds = new Holds(wall);
  return {
    most,
    now,
    holds,
    callHolder: async (holderCall) => holdAnswerOf(await call(holderCall)),
    replacedMs: () => retryDelays.forReplaced(),
    store: atHome(createSubscriptionStore(bus), requireHere),
    findReal: createFindReal(bus),
    findEnd: createFindEnd(bus),
    checkCallback: createCheckCallback(bus.nats),
    paceMs: () => holds.paceMs(),
    context: () => ({ now: wall(), life }),
    [Symbol.asyncDispose]: () => holds[Symbol.asyncDispose](),
  };
}
