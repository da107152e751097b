import { type ApiError, JetStreamApiError, type StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { mirrorConsumer, regionApi } from "#shared/contract/home.ts";
import { feedingConsumer, type MirrorPlace, mirrorSettings, newMirror } from "./mirror-config.ts";

/** How long a call that makes or changes something may take, there and back over the link. */
const TIMEOUT_MS = 10_000;

/** What is done to mirrors. Every method throws a `JetStreamApiError` for what JetStream refuses, and otherwise what NATS throws. */
export interface MirrorCalls {
  /** Makes the consumer that feeds the mirror, where there is none, has it begin anew, and then makes the mirror. */
  make(original: StreamInfo): Promise<void>;
  /** Makes the consumer that feeds the mirror, where there is none. */
  feed(stream: string): Promise<void>;
  /** Gives a mirror the settings of its original. JetStream refuses it for a stream that is no mirror any more. */
  update(original: StreamInfo, mirror: StreamInfo): Promise<void>;
  remove(stream: string): Promise<void>;
}

/** The calls of a connection. They are written out: the types of the client have no mirrors with consumers of their own. */
export function mirrorCalls(nats: NatsConnection, place: MirrorPlace): MirrorCalls {
  const ask = async (subject: string, body: object): Promise<void> => {
    const answer = await nats.request(subject, JSON.stringify(body), { timeout: TIMEOUT_MS });
    const { error } = answer.json<{ readonly error?: ApiError }>();
    if (error !== undefined) throw new JetStreamApiError(error);
  };
  const feed = (stream: string) => {
    const consumer = `${stream}.${mirrorConsumer(place.here)}`;
    return ask(`${regionApi(place.origin)}.CONSUMER.CREATE.${consumer}`, feedingConsumer(stream, place));
  };
  // The consumer of a mirror that was removed goes on where that was: the new one would lack all that it had.
  const rewind = (stream: string) =>
    ask(`${regionApi(place.origin)}.CONSUMER.RESET.${stream}.${mirrorConsumer(place.here)}`, { seq: 1 });
  return {
    feed,
    async make(original) {
      const { name } = original.config;
      await feed(name);
      await rewind(name);
      await ask(`$JS.API.STREAM.CREATE.${name}`, newMirror(original, place));
    },
    update(original, { config }) {
      const metadata = { ...config.metadata, ...mirrorSettings(original, place).metadata };
      return ask(`$JS.API.STREAM.UPDATE.${config.name}`, { ...config, ...mirrorSettings(original, place), metadata });
    },
    remove: (stream) => ask(`$JS.API.STREAM.DELETE.${stream}`, {}),
  };
}
