import type {
  CarriedOut,
  ClientHealthRow,
  Delivering,
  EdgeNode,
  EdgeQuestion,
  OpenConnection,
  Reach,
} from "#shared/contract/edge-questions.ts";
import { inTurns } from "#shared/async/in-turns.ts";
import { bye } from "../end-stream.ts";
import type { Hub } from "../hub.ts";
import { reachOf } from "../reach-of.ts";
import { describeStream, type DescribeDeps } from "./describe-stream.ts";
import { findStreams, type StreamsAsked } from "./find-streams.ts";

/** To describe a stream with a hundred topics takes 50 µs. */
const DESCRIBED_PER_TURN = 20;

/** What a page of streams may take, of the megabyte that a message of the bus may have. */
const MAX_PAGE_BYTES = 900_000;

/** The edge, as far as it answers operators. */
export interface QuestionDeps extends DescribeDeps {
  readonly hub: Pick<Hub, "streams" | "find" | "tenant">;
  readonly describeNode: () => EdgeNode;
  readonly readClients: () => Extract<Answered, { readonly clients: unknown }>["clients"];
  readonly describeDelivering: (tenant: string) => Delivering;
  /** Carries out a command for a durable subscription; it never throws. */
  readonly carryOut: (asked: CommandAsked) => Promise<CarriedOut>;
}

/** A durable subscription, and what is to be done to it. */
export type CommandAsked = Extract<EdgeQuestion, { ask: "subscription" }>;

/** An answer, before the worker's id is added. */
export type Answered =
  | { readonly connections: OpenConnection[]; readonly hasMore: boolean }
  | { readonly node: EdgeNode }
  | { readonly reach: Reach[] }
  | { readonly closed: boolean }
  | { readonly clients: { readonly seconds: number; readonly rows: readonly ClientHealthRow[] } }
  | { readonly delivering: Delivering }
  | { readonly carriedOut: CarriedOut };

/** Answers an operator's question by what is on this worker. A question about thousands of streams is answered in turns. */
export async function answerQuestion(question: EdgeQuestion, deps: QuestionDeps): Promise<Answered> {
  switch (question.ask) {
    case "connections":
      return pageOf(question, deps);
    case "nodes":
      return { node: deps.describeNode() };
    case "reach":
      return { reach: await reachOf(deps.hub, question) };
    case "close":
      return { closed: close(question, deps) };
    case "clients":
      return { clients: deps.readClients() };
    case "subscriptions":
      return { delivering: deps.describeDelivering(question.tenant) };
    case "subscription":
      return { carriedOut: await deps.carryOut(question) };
  }
}

/** The page ends where the next stream would make it longer than a message may be. */
async function pageOf(asked: StreamsAsked, deps: QuestionDeps): Promise<Answered> {
  const { streams, hasMore } = await findStreams(deps.hub, asked);
  const connections: OpenConnection[] = [];
  let bytes = 0;
  await inTurns(streams, DESCRIBED_PER_TURN, (stream) => {
    if (bytes > MAX_PAGE_BYTES) return;
    const described = describeStream(stream, deps);
    bytes += Buffer.byteLength(JSON.stringify(described));
    if (bytes <= MAX_PAGE_BYTES) connections.push(described);
  });
  return { connections, hasMore: hasMore || connections.length < streams.length };
}

function close({ tenant, connectionId }: Extract<EdgeQuestion, { ask: "close" }>, { hub }: QuestionDeps): boolean {
  const stream = hub.find(connectionId);
  if (stream === undefined || stream.tenant.id !== tenant || stream.reader.ended) return false;
  stream.reader.end(bye("closed", stream.reader.retryMs));
  return true;
}

/** All open streams, described in turns. */
export async function describeStreams(hub: Pick<Hub, "streams">, deps: DescribeDeps): Promise<OpenConnection[]> {
  return inTurns([...hub.streams()], DESCRIBED_PER_TURN, (stream) => describeStream(stream, deps));
}
