import { setTimeout as delay } from "node:timers/promises";
import { nanos } from "@nats-io/transport-node";
import { SEAT_STREAM } from "#shared/contract/home.ts";
import { ScriptError } from "../shared/run-script.ts";
import { RefusedCall, type RegionBus } from "./region-bus.ts";

/** The consumer that is the lock. */
const NAME = "region_command";

/** How long after a command's connection is gone nobody else begins: what it has sent is done or refused by then. */
const LOCK_MS = 5_000;

/** JetStream has such a consumer, or one that reads to the same place (nats-server's codes). */
const TAKEN = [10_148, 10_013, 10_105];

/**
 * Waits until no other command changes this region, and keeps others out until it is disposed of. The lock is a consumer that
 * JetStream keeps as long as this connection listens, so it is held exactly as long as this command could still send something:
 * a process that was stopped and goes on later finds its connection closed.
 * @throws {ScriptError} where another command does not end.
 */
export async function lockRegion(bus: RegionBus, lockMs = LOCK_MS): Promise<AsyncDisposable> {
  const stream = await bus.stream(SEAT_STREAM);
  if (stream === undefined) return { [Symbol.asyncDispose]: async () => undefined };
  const inbox = bus.inbox();
  const listening = bus.nats.subscribe(inbox);
  const config = {
    name: NAME,
    deliver_subject: inbox,
    deliver_policy: "new",
    ack_policy: "none",
    // Nothing is ever delivered.
    filter_subject: "sluice.none",
    inactive_threshold: nanos(lockMs),
    mem_storage: true,
    num_replicas: stream.config.num_replicas,
  };
  const giveUp = performance.now() + 3 * lockMs + 1_000;
  for (;;) {
    try {
      await bus.ask(`CONSUMER.CREATE.${SEAT_STREAM}.${NAME}`, { stream_name: SEAT_STREAM, action: "create", config });
      break;
    } catch (error) {
      const isTaken = error instanceof RefusedCall && TAKEN.includes(error.errorCode ?? 0);
      if (!isTaken) throw error;
      if (performance.now() > giveUp) {
        throw new ScriptError(`another command is at work in region ${bus.region}, or hangs: let it end, or end it`);
      }
      await delay(200);
    }
  }
  return {
    async [Symbol.asyncDispose]() {
      listening.unsubscribe();
      await bus.ask(`CONSUMER.DELETE.${SEAT_STREAM}.${NAME}`).catch(() => undefined);
    },
  };
}
