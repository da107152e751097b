import { setTimeout as delay } from "node:timers/promises";
import { errors, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { fairLimiter } from "#shared/async/fair-limiter.ts";
import { within } from "#shared/async/within.ts";
import { ASK_EDGES, type EdgeAnswer, edgeAnswerSchema, type EdgeQuestion } from "#shared/contract/edge-questions.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import type { AnswerFields, AnswerTo, EdgeAnswers, Edges } from "../edges/edges.ts";

/** Once all workers that are known have answered, new ones have this long. */
const NEW_WORKERS_MS = 50;

/** A worker that has been silent for that long is no longer missed: it has ended. */
const FORGET_AFTER_MS = 30_000;

/** More answers than that are not read: one edge that lies must not fill policy's memory. */
const MAX_ANSWERS = 256;
const MAX_BYTES = 32 * 1024 * 1024;

/** A worker that is asked by name writes a record first, which may take two seconds where many subscriptions are active: so many deadlines. */
const NAMED_WORKER_DEADLINES = 5;

/** More workers than that are not remembered. */
const MAX_KNOWN = 1_024;

/** How many questions are out at a time. */
const ASKED_AT_ONCE = 8;

const FIELDS: AnswerFields = {
  connections: "connections",
  nodes: "node",
  reach: "reach",
  close: "closed",
  clients: "clients",
  subscriptions: "delivering",
  subscription: "carriedOut",
};

interface EdgesDeps {
  readonly nats: NatsConnection;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** How long workers have to answer. One that lives does so within milliseconds. */
  readonly deadlineMs: number;
}

/** The edges by requests on `edge.ask`. It learns from their answers which workers there are. */
export function createEdges({ nats, now, deadlineMs }: EdgesDeps): Edges {
  const workers = knownWorkers(now);
  const inTurn = fairLimiter(ASKED_AT_ONCE);
  return {
    ask: (question) =>
      inTurn(ownerOf(question), () =>
        gather(
          { nats, deadlineMs: "worker" in question ? NAMED_WORKER_DEADLINES * deadlineMs : deadlineMs, workers },
          question,
        ),
      ),
  };
}

/** Who waits for whom: many questions about one tenant do not hold up another's. */
function ownerOf(question: EdgeQuestion): string {
  return "tenant" in question ? (question.tenant ?? "") : "";
}

/** The workers that have answered lately. */
interface KnownWorkers {
  note(worker: string): void;
  names(): ReadonlySet<string>;
}

function knownWorkers(now: () => number): KnownWorkers {
  const heardAt = new Map<string, number>();
  return {
    note(worker) {
      if (heardAt.size < MAX_KNOWN || heardAt.has(worker)) heardAt.set(worker, now());
    },
    names() {
      for (const [worker, at] of heardAt) if (now() - at > FORGET_AFTER_MS) heardAt.delete(worker);
      return new Set(heardAt.keys());
    },
  };
}

interface GatherDeps extends Pick<EdgesDeps, "nats" | "deadlineMs"> {
  readonly workers: KnownWorkers;
}

async function gather<Question extends EdgeQuestion>(
  { nats, deadlineMs, workers }: GatherDeps,
  question: Question,
): Promise<EdgeAnswers<Question["ask"]>> {
  const answers = new Map<string, AnswerTo<Question["ask"]>>();
  const missing = new Set("worker" in question ? [question.worker] : workers.names());
  const isAnybodyKnown = missing.size > 0;
  const allKnown = Promise.withResolvers<void>();
  const enough = Promise.withResolvers<void>();
  let isLacking = false;
  const take = ({ data }: Msg): void => {
    const answer = readAnswer(data);
    if (answer === undefined || !isAnswerTo(question, answer)) isLacking = true;
    if (answer === undefined) return;
    const { from } = answer;
    workers.note(from);
    missing.delete(from);
    // Of two answers in one worker's name the first counts. One of them is a lie, and may hide what the worker has said.
    if (answers.has(from)) isLacking = true;
    else if (isAnswerTo(question, answer)) answers.set(from, answer);
    if (isLastWord(question, answer)) enough.resolve();
    if (isAnybodyKnown && missing.size === 0) allKnown.resolve();
  };
  // It goes on until the deadline, whatever has been answered by then: who is late is known the next time.
  const reading = readReplies({ nats, deadlineMs }, question, take);
  const first = await Promise.race([
    reading,
    enough.promise.then(() => "enough" as const),
    allKnown.promise.then(() => delay(NEW_WORKERS_MS, "answered" as const)),
  ]);
  const isSilent = first === "silent" && answers.size === 0;
  if (first === "away" || (isSilent && !(await within(deadlineMs, nats.flush())))) throw busAway();
  const partial = isLacking || first === "too_much" || isSilent || (first !== "enough" && missing.size > 0);
  return { answers: [...answers.values()], partial };
}

/** How the replies ended: nobody listens, the bus is away, there were too many, or the deadline came. */
type End = "nobody" | "away" | "too_much" | "silent";

async function readReplies(
  { nats, deadlineMs }: Omit<GatherDeps, "workers">,
  question: EdgeQuestion,
  take: (reply: Msg) => void,
): Promise<End> {
  let [count, bytes] = [0, 0];
  try {
    const asked = { strategy: "timer", maxWait: deadlineMs } as const;
    for await (const reply of await nats.requestMany(ASK_EDGES, JSON.stringify(question), asked)) {
      count += 1;
      bytes += reply.data.length;
      if (count > MAX_ANSWERS || bytes > MAX_BYTES) return "too_much";
      take(reply);
    }
  } catch (error) {
    return error instanceof errors.NoRespondersError ? "nobody" : "away";
  }
  return "silent";
}

function readAnswer(data: Uint8Array): EdgeAnswer | undefined {
  return edgeAnswerSchema.safeParse(parseJson(Buffer.from(data).toString())).data;
}

/** Whether an answer is to this very question: an edge that lies must not show one tenant's streams to another. */
function isAnswerTo<Question extends EdgeQuestion>(
  question: Question,
  answer: EdgeAnswer,
): answer is AnswerTo<Question["ask"]> {
  if (!(FIELDS[question.ask] in answer)) return false;
  if (question.ask === "subscription") return answer.from === question.worker;
  if (question.ask === "reach" && "reach" in answer) {
    const asked = new Set(question.seqs);
    return answer.reach.every(({ seq }) => asked.has(seq));
  }
  if (question.ask !== "connections" || !("connections" in answer)) return true;
  const { tenant, subject, connectionId, after, limit } = question;
  const { connections, hasMore } = answer;
  // The list of all workers goes on behind the last stream of one that has more: it must have told of one, and in order.
  return (
    connections.length <= limit &&
    (!hasMore || connections.length > 0) &&
    connections.every(
      (each, place) =>
        (tenant ?? each.tenant) === each.tenant &&
        (subject ?? each.subject) === each.subject &&
        (connectionId ?? each.id) === each.id &&
        each.id > (connections[place - 1]?.id ?? after),
    )
  );
}

/** Whether no other worker can add to an answer: a stream is at one worker. */
function isLastWord(question: EdgeQuestion, answer: EdgeAnswer): boolean {
  if (question.ask === "subscription") return isAnswerTo(question, answer);
  if (question.ask === "close") return "closed" in answer && answer.closed;
  if (question.ask !== "connections" || question.connectionId === undefined) return false;
  return "connections" in answer && answer.connections.length > 0 && isAnswerTo(question, answer);
}

function busAway(): AppError {
  return new AppError("unavailable", "the bus is out of reach; try again");
}
