import { type ApiError, JetStreamApiError, type StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { mirrorConsumer, regionApi } from "#shared/contract/home.ts";
import { feedingConsumer, type MirrorPlace, mirrorSettings, newMirror } from "./mirror-config.ts";

/** How long a call that makes or changes something may take, there and back over the link. */
const TIMEOUT_MS = 10_000;

/** What is done to mirrors. Every method throws a `JetStreamApiError` for what JetStream refuses, and otherwise what NATS throws. */
export interface MirrorCalls {
  /** Makes the consumer that feeds the mirror, where there is none, has it begin at the beginning, and makes the mirror. */
  make(original: StreamInfo): Promise<void>;
  /** Makes the consumer that feeds the mirror, where there is none. */
  feed(stream: string): Promise<void>;
  /**
   * Has the feeding consumer begin at the beginning, for a mirror without entries: that starts where its consumer stands. It would lack
   * what a mirror that was removed had got. Of several servers only the leader goes there, and where entries are missing that were
   * overwritten meanwhile, the others give the mirror up for good.
   */
  rewind(original: StreamInfo): Promise<void>;
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
  const atConsumer = (call: "CREATE" | "RESET", stream: string) =>
    `${regionApi(place.origin)}.CONSUMER.${call}.${stream}.${mirrorConsumer(place.here)}`;
  const feed = (stream: string) => ask(atConsumer("CREATE", stream), feedingConsumer(stream, place));
  // Nothing comes from an original without entries, and its mirror is level where it stands.
  const rewind = ({ config: { name }, state: { messages, last_seq } }: StreamInfo) =>
    ask(atConsumer("RESET", name), { seq: messages === 0 ? last_seq + 1 : 1 });
  return {
    feed,
    rewind,
    async make(original) {
      const { name } = original.config;
      await feed(name);
      await rewind(original);
      await ask(`$JS.API.STREAM.CREATE.${name}`, newMirror(original, place));
    },
    update(original, { config }) {
      const metadata = { ...config.metadata, ...mirrorSettings(original, place).metadata };
      return ask(`$JS.API.STREAM.UPDATE.${config.name}`, { ...config, ...mirrorSettings(original, place), metadata });
    },
    remove: (stream) => ask(`$JS.API.STREAM.DELETE.${stream}`, {}),
  };
}
