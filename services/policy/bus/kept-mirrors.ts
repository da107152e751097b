import type { JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import { AUTH_STREAMS } from "#shared/contract/home.ts";

const OF_OTHERS: ReadonlySet<string> = new Set(AUTH_STREAMS);

/** The streams whose mirrors policy keeps, sorted by name: all but those of auth. */
export async function* policyStreams({ streams }: JetStreamManager): AsyncGenerator<StreamInfo> {
  for await (const stream of streams.list()) if (!OF_OTHERS.has(stream.config.name)) yield stream;
}
