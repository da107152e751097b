import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager } from "@nats-io/jetstream";
import { poll } from "#shared/async/poll.ts";
import { KEY_RING_ENTRY, KEYS_BUCKET, withdrawnKeysSchema } from "#shared/contract/key-ring.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import { startFault } from "./start-fault.ts";

/** How often the ring is asked for. An answer of its leader proves our knowledge current; a silent watch would not. */
const READ_EVERY_MS = 1_000;

/** Who answers for the ring. The manager is taken anew for each question: how patient it is may change. */
export interface KeyRingBus {
  readonly jsm: JetStreamManager;
}

/** The keys that auth has withdrawn, a second ago or earlier. Disposing it stops following them. */
export interface WithdrawnKeys extends Disposable {
  has(kid: string): boolean;
}

/**
 * Follows the keys that auth withdraws; once it answers, earlier withdrawals are known. `onWithdrawn` is called
 * for each later one. While the ring cannot be read, the known withdrawals stay.
 * @throws {BootError} when the ring cannot be read at first. Where auth has never run there is none, and nothing withdrawn.
 */
export async function followWithdrawnKeys(
  bus: KeyRingBus,
  log: Logger,
  onWithdrawn: (kid: string) => void = () => undefined,
): Promise<WithdrawnKeys> {
  const known = new Set(
    await readWithdrawn(bus.jsm).catch((error: Error) => {
      throw startFault(error, `which keys are withdrawn cannot be read (${error.message}); see infra/nats/nats.conf`);
    }),
  );
  const adopt = (kids: readonly string[]): void => {
    const fresh = kids.filter((kid) => !known.has(kid));
    for (const kid of fresh) known.add(kid);
    for (const kid of fresh) onWithdrawn(kid);
  };
  const reading = poll(READ_EVERY_MS, readAgain(bus, adopt, log));
  return {
    has: (kid) => known.has(kid),
    [Symbol.dispose]: () => reading[Symbol.dispose](),
  };
}

function readAgain(
  bus: KeyRingBus,
  adopt: (kids: readonly string[]) => void,
  log: Logger,
): (stop: AbortSignal) => Promise<void> {
  let fault: string | undefined;
  return async (stop) => {
    try {
      adopt(await readWithdrawn(bus.jsm));
      fault = undefined;
    } catch (error) {
      const { message } = error as Error;
      if (message !== fault && !stop.aborted) {
        log.error({ reason: message }, "which keys are withdrawn cannot be read; what is known stays");
      }
      fault = message;
    }
  };
}

async function readWithdrawn(manager: JetStreamManager): Promise<string[]> {
  const subject = `$KV.${KEYS_BUCKET}.${KEY_RING_ENTRY}`;
  const message = await manager.streams
    .getMessage(`KV_${KEYS_BUCKET}`, { last_by_subj: subject })
    .catch((error: unknown) => {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return null;
      throw error;
    });
  if (message === null || message.header?.has("KV-Operation")) return [];
  const parsed = withdrawnKeysSchema.safeParse(parseJson(message.string()));
  if (parsed.success) return parsed.data.withdrawn.map(({ kid }) => kid);
  throw new Error(`the entry ${KEY_RING_ENTRY} of the bucket ${KEYS_BUCKET} is not a ring of keys`);
}
