import { errors } from "@nats-io/transport-node";
import { z } from "zod";
import type { HomeStream } from "./home-stream.ts";
import type { RegionBus } from "./region-bus.ts";

/** A server that answers later than this does not answer. */
const ANSWER_MS = 2_000;

const answerSchema = z.object({ server: z.object({ name: z.string() }), data: z.unknown() });

/** A region, as far as its servers are asked one by one. */
export interface AskedBus extends Pick<RegionBus, "region" | "streams"> {
  readonly nats: Pick<RegionBus["nats"], "info" | "requestMany">;
}

/** What the servers of a region say. */
export interface ServerAnswers {
  readonly answers: readonly { readonly server: string; readonly data: unknown }[];
  /** Servers that run as far as the others know, and have said nothing. */
  readonly silent: readonly string[];
}

/**
 * Asks each server of a region for what it knows of the account. Who says nothing may have what is asked for; where nobody listens, or this
 * user may not ask, all say nothing.
 */
export async function askServers(bus: AskedBus, subject: string, question: object): Promise<ServerAnswers> {
  const silent = serversOf(await bus.streams()).add(bus.nats.info?.server_name ?? "");
  const answers: { server: string; data: unknown }[] = [];
  const options = { strategy: "count", maxMessages: silent.size, maxWait: ANSWER_MS } as const;
  for await (const message of answersTo(bus, subject, JSON.stringify(question), options)) {
    const { server, data } = answerSchema.parse(message.json());
    answers.push({ server: server.name, data });
    silent.delete(server.name);
  }
  return { answers, silent: [...silent] };
}

async function* answersTo({ nats }: AskedBus, ...question: Parameters<AskedBus["nats"]["requestMany"]>) {
  try {
    yield* await nats.requestMany(...question);
  } catch (error) {
    if (!(error instanceof errors.RequestError || error instanceof errors.PermissionViolationError)) throw error;
  }
}

/** The servers that have a stream of the home, but for those that the others take for stopped. */
function serversOf(streams: readonly HomeStream[]): Set<string> {
  const replicas = streams.flatMap(({ cluster }) => cluster?.replicas ?? []);
  const leaders = streams.flatMap(({ cluster }) => cluster?.leader ?? []);
  return new Set([...leaders, ...replicas.filter(({ offline }) => !offline).map(({ name }) => name)]);
}
