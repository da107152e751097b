import { jetstream } from "@nats-io/jetstream";
import { AuthorizationError, connect, errors, headers as newHeaders, nkeyAuthenticator } from "@nats-io/transport-node";
import { connectionOptionsOf } from "./nats-url.ts";
import { readText } from "./read-text.ts";
import { ScriptError } from "./run-script.ts";

/** An event to publish. */
export interface Publication {
  /** `issues.opened.Hello-World` */
  readonly topic: string;
  readonly payload: string;
  /** What was stored under the same id in the last two minutes is not stored again. */
  readonly id?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The bus's acknowledgement. */
export interface Stored {
  readonly seq: number;
  /** Whether it was stored before. */
  readonly duplicate: boolean;
}

/** A producer of one tenant's events. */
export interface Producer extends AsyncDisposable {
  /** Publishes and waits for the acknowledgement; rejects with a ScriptError that says why the event was not stored. */
  publish(publication: Publication): Promise<Stored>;
}

/** A server that stops may close before it has greeted: nats.js waits so long before it tries another one, 20 s unless it is told. */
const CONNECT_MS = 5_000;

/**
 * Connects with the stock client, as any producer would; from then on it reconnects by itself. With the file of a seed it is
 * known by that key and not by the URL's user.
 * @throws {ScriptError} saying what to do when NATS is out of reach or refuses the user.
 */
export async function connectProducer(natsUrl: string, tenant: string, seedFile?: string): Promise<Producer> {
  const { user: named, pass, ...options } = connectionOptionsOf(natsUrl);
  const seed = seedFile === undefined ? undefined : await readSeed(seedFile);
  const known = seed === undefined ? { user: named, pass: pass ?? "" } : { authenticator: nkeyAuthenticator(seed) };
  const host = options.servers.join(",");
  const user = seed === undefined ? named : `the key of ${seedFile}`;
  const connection = { ...options, ...known, name: "sluice-publisher", maxReconnectAttempts: -1, timeout: CONNECT_MS };
  const nats = await connect(connection).catch((error: unknown) => {
    throw new ScriptError(explainConnect(error, host, user), { cause: error });
  });
  const js = jetstream(nats);
  return {
    async publish({ topic, payload, id, headers = {} }) {
      const subject = `events.${tenant}.${topic}`;
      const sent = newHeaders();
      for (const [name, value] of Object.entries(headers)) sent.set(name, value);
      const extra = {
        ...(id !== undefined && { msgID: id }),
        ...(Object.keys(headers).length > 0 && { headers: sent }),
      };
      const { seq, duplicate } = await js.publish(subject, payload, extra).catch((error: Error) => {
        throw new ScriptError(explainPublish(error, subject, user), { cause: error });
      });
      return { seq, duplicate };
    },
    [Symbol.asyncDispose]: () => nats.close(),
  };
}

async function readSeed(file: string): Promise<Uint8Array> {
  return new TextEncoder().encode((await readText(file, "the seed")).trim());
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
