import { randomUUID } from "node:crypto";
import type { CallContext } from "#shared/async/call-context.ts";
import { FairPlaces } from "#shared/async/fair-places.ts";
import { singleFlight } from "#shared/async/single-flight.ts";
import { within } from "#shared/async/within.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import { type Identity, Registration } from "./access/registration.ts";
import { type HandshakeDeps, requireValid, verifyInTime } from "./access/verify.ts";
import type { Hub } from "./connections/hub.ts";
import { requirePresenceRight } from "./connections/presence/presence-right.ts";
import type { AnswerPresence, Roster, PeerAnswers, PresenceObserver, QuestionPeers } from "./presence/ports.ts";
import { mergeAnswers, type PresenceFound, type PresenceQuestion } from "./presence/presence-question.ts";

/** So many different questions are asked of all workers at a time, shared by tenants and their persons; one that is asked already is not asked again. */
const MAX_ASKING = 100;

/** Redis answers within a millisecond; a connection on which nothing comes fails later than anybody waits. */
const ROSTER_MS = 300;

const NO_TOPICS: readonly string[] = [];

/** A person's question, and what they need one of to ask it. */
export interface PersonsQuestion {
  readonly identity: Identity;
  readonly question: Omit<PresenceQuestion, "tenant">;
  readonly permissions: readonly string[];
}

/** What was found; `partial` where a worker that lives, or may live, has not answered in time. */
export interface PresenceReport extends PresenceFound {
  readonly partial: boolean;
}

/**
 * Answers who listens in the person's tenant, for the request that is given.
 * @throws {AppError} `forbidden` where the person may not ask that, the refusal of the session, `too_many_requests`, `unavailable`.
 */
export type AskPresence = (asked: PersonsQuestion, context?: CallContext) => Promise<PresenceReport>;

/** The edge, as far as questions about presence use it. */
export interface AskPresenceDeps extends HandshakeDeps {
  readonly hub: Hub;
  readonly workerId: string;
  readonly peers: QuestionPeers;
  readonly answerHere: AnswerPresence;
  readonly roster: Roster;
  readonly figures: Pick<PresenceObserver, "asked">;
}

/**
 * THE WAY OF A QUESTION, from a person who asks who listens to the answer of all workers.
 *
 *     verify the caller, parse (http/) → register → ask session and grant → require the right for the topic
 *           → ask this worker and all others → put their answers together
 *
 * The workers have the data: nothing is stored for presence, and nobody is told of a join while nobody asks. Answers the other
 * workers' questions as well, until disposed.
 */
export function openPresenceQuestions(deps: AskPresenceDeps): Disposable & { readonly askPresence: AskPresence } {
  const serving = deps.peers.serve(deps.answerHere);
  const asking = singleFlight<PresenceReport>();
  const places = new FairPlaces(MAX_ASKING);
  const ask = async (question: PresenceQuestion, subject: string): Promise<PresenceReport> => {
    using place = places.take([question.tenant, subject]);
    if (place !== undefined) return await gather(question, deps);
    throw new AppError("too_many_requests", "too many questions about presence at once", { retryAfterSeconds: 1 });
  };
  return {
    async askPresence({ identity, question, permissions }, context) {
      await requireRight(identity, permissions, question.topic, deps, context);
      const { topic, subject = "", wants, after, limit } = question;
      const key = compositeKey(identity.tenant, topic, subject, wants, after, String(limit));
      return asking(key, () => ask({ tenant: identity.tenant, ...question }, identity.subject.id));
    },
    [Symbol.dispose]: () => serving[Symbol.dispose](),
  };
}

/** Registers the person while the right is found out, as a stream is: a revoke that comes meanwhile finds them. */
async function requireRight(
  identity: Identity,
  permissions: readonly string[],
  topic: string,
  deps: AskPresenceDeps,
  context: CallContext | undefined,
): Promise<void> {
  const registration = new Registration(identity, NO_TOPICS, randomUUID());
  const tenant = await deps.hub.register(registration);
  try {
    await verifyInTime(registration, tenant, deps, context);
    await requirePresenceRight(tenant, registration, permissions, topic);
    // Last: a revoke may have come while policy was asked.
    requireValid(registration, deps);
  } finally {
    registration.end("revoked");
    deps.hub.unregister(tenant, registration);
  }
}

async function gather(question: PresenceQuestion, deps: AskPresenceDeps): Promise<PresenceReport> {
  const { roster, workerId, peers, figures } = deps;
  const [here, workers] = await Promise.all([deps.answerHere(question), readInTime(roster)]);
  const others = workers && [...workers].filter((id) => id !== workerId);
  const expected = others?.length ?? roster.size() - 1;
  const isWhole = (answers: PeerAnswers): boolean => others?.every((id) => answers.has(id)) ?? answers.size >= expected;
  const answers = expected > 0 ? await peers.gather(question, isWhole) : new Map();
  const isCertain = workers !== undefined || roster.read === undefined;
  const partial = !isCertain || !isWhole(answers);
  figures.asked(partial ? "partial" : "whole");
  return { ...mergeAnswers(question, [here, ...answers.values()]), partial };
}

/** The workers that live; undefined while the store does not say. */
async function readInTime({ read }: Roster): Promise<ReadonlySet<string> | undefined> {
  const reading = read?.().catch(() => undefined);
  return reading !== undefined && (await within(ROSTER_MS, reading)) ? reading : undefined;
}
