import { jetstream } from "@nats-io/jetstream";
import { AuthorizationError, connect, errors } from "@nats-io/transport-node";
import { connectionOptionsOf } from "../shared/nats-url.ts";
import { ScriptError } from "../shared/run-script.ts";
import type { Publication } from "./to-publication.ts";

/** A producer of one tenant's events. */
export interface Producer extends AsyncDisposable {
  /** Publishes and waits for the acknowledgement; rejects with a ScriptError that says why the event was not stored. */
  publish(publication: Publication): Promise<void>;
}

/**
 * Connects with the stock client, as any producer would; from then on it reconnects by itself.
 * @throws {ScriptError} saying what to do when NATS is out of reach or refuses the user.
 */
export async function connectProducer(natsUrl: string, tenant: string): Promise<Producer> {
  const options = connectionOptionsOf(natsUrl);
  const { servers: host, user } = options;
  const connection = { ...options, name: "demo-publisher", maxReconnectAttempts: -1 };
  const nats = await connect(connection).catch((error: unknown) => {
    throw new ScriptError(explainConnect(error, host, user), { cause: error });
  });
  const js = jetstream(nats);
  return {
    async publish({ topic, payload }) {
      const subject = `events.${tenant}.${topic}`;
      await js.publish(subject, payload).catch((error: Error) => {
        throw new ScriptError(explainPublish(error, subject, user), { cause: error });
      });
    },
    [Symbol.asyncDispose]: () => nats.close(),
  };
}

function explainConnect(error: unknown, host: string, user: string): string {
  if (error instanceof AuthorizationError) return `NATS at ${host} refuses the user "${user}": check NATS_URL`;
  return `NATS at ${host} does not answer: start Sluice with npm start, or set NATS_URL`;
}

function explainPublish(error: Error, subject: string, user: string): string {
  if (error.cause instanceof errors.PermissionViolationError) {
    return `the user "${user}" may not publish ${subject}: give --tenant and NATS_URL of one tenant`;
  }
  if (error.cause instanceof errors.RequestError && error.cause.isNoResponders())
    return `nobody stores ${subject}: does its tenant exist?`;
  return `${subject} was not acknowledged: ${error.message}`;
}
