import { setTimeout as delay } from "node:timers/promises";
import { JetStreamApiError } from "@nats-io/jetstream";

/** A bus that reads its configuration anew answers nobody for a moment: the waits before each new try. */
const WAITS_MS = [250, 500, 1_000, 2_000];

/** Asks the bus again, up to four times, where no answer comes. A refusal is an answer, unless it says that the bus is away. */
export async function untilAnswered<Answer>(ask: () => Promise<Answer>, waitsMs = WAITS_MS): Promise<Answer> {
  for (const waitMs of waitsMs) {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof JetStreamApiError && error.status !== 503) throw error;
      await delay(waitMs);
    }
  }
  return ask();
}
