import { hash } from "node:crypto";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import type { Observer } from "../observe/observer.ts";
import type { AnswerPresence, PeerAnswers, QuestionPeers, WatchedTopic, WatchPeers } from "../presence/ports.ts";
import type { PresenceAnswer, PresenceQuestion } from "../presence/presence-question.ts";
import { readInterest, readNews, readPresenceAnswer, readQuestion } from "./presence-schemas.ts";
import { whileOpen } from "#shared/nats/while-open.ts";

/** A worker that lives answers within milliseconds. */
const DEADLINE_MS = 1_000;

const QUESTIONS = "presence.ask";
const INTERESTS = "presence.watch";

/** The edge, as far as presence is asked for over the bus. */
export interface PresencePeersDeps {
  readonly nats: NatsConnection;
  readonly workerId: string;
  readonly observer: Pick<Observer, "fault">;
}

/**
 * The other workers by requests on `presence.ask`, which every worker answers. Nobody else reaches these subjects: the edges are an
 * account of their own on the bus.
 */
export function createQuestionPeers(deps: PresencePeersDeps): QuestionPeers {
  return { gather: (question, isEnough) => gather(question, isEnough, deps), serve: (answer) => serve(answer, deps) };
}

/**
 * The other workers by messages: `presence.watch` says what is watched, and `presence.news.<tenant>.<hash of the topic>` who has come
 * and gone. Only those who watch a topic hear its news.
 */
export function createWatchPeers({ nats, workerId, observer }: PresencePeersDeps): WatchPeers {
  const send = (subject: string, body: object): void => {
    // What is lost while the bus is away is asked for again.
    whileOpen(() => nats.publish(subject, JSON.stringify({ from: workerId, ...body })));
  };
  return {
    ask: (interest) => send(INTERESTS, interest),
    publish: (topic, news) => send(newsSubject(topic), news),
    follow: (topic, hear) =>
      listen(newsSubject(topic), ({ data }) => {
        const { from, ...news } = readNews(data) ?? { from: workerId };
        if (from !== workerId && "run" in news) hear(from, news);
      }),
    serve: (hear) =>
      listen(INTERESTS, ({ data }) => {
        const { from, ...interest } = readInterest(data) ?? { from: workerId };
        if (from !== workerId && "topic" in interest) hear(interest);
      }),
  };

  function listen(subject: string, hear: (message: Msg) => void): Disposable {
    const subscription = nats.subscribe(subject, {
      callback: (error, message) => (error === null ? hear(message) : observer.fault(error)),
    });
    return { [Symbol.dispose]: () => subscription.unsubscribe() };
  }
}

async function gather(
  question: PresenceQuestion,
  isEnough: (answers: PeerAnswers) => boolean,
  { nats, workerId }: PresencePeersDeps,
): Promise<PeerAnswers> {
  const answers = new Map<string, PresenceAnswer>();
  try {
    const asked = JSON.stringify({ from: workerId, ...question });
    const replies = await nats.requestMany(QUESTIONS, asked, { strategy: "timer", maxWait: DEADLINE_MS });
    for await (const { data } of replies) {
      const answered = readPresenceAnswer(data);
      // Of two answers in one worker's name the first counts.
      if (answered === undefined || answered.from === workerId || answers.has(answered.from)) continue;
      const { from, ...answer } = answered;
      answers.set(from, answer);
      if (isEnough(answers)) break;
    }
  } catch {
    // The bus is away: who has not answered is missing from the answer, which says so.
  }
  return answers;
}

function serve(answer: AnswerPresence, { nats, workerId, observer }: PresencePeersDeps): Disposable {
  const reply = async (message: Msg): Promise<void> => {
    const asked = readQuestion(message.data);
    if (asked === undefined || asked.from === workerId) return;
    const { from: _, ...question } = asked;
    try {
      const answered = await answer(question);
      whileOpen(() => message.respond(JSON.stringify({ from: workerId, ...answered })));
    } catch (error) {
      observer.fault(error);
    }
  };
  const subscription = nats.subscribe(QUESTIONS, {
    callback: (error, message) => void (error === null ? reply(message) : observer.fault(error)),
  });
  return { [Symbol.dispose]: () => subscription.unsubscribe() };
}

/** A topic is no subject: it may have wildcards, and be as long as a subject may be. */
function newsSubject({ tenant, topic }: WatchedTopic): string {
  return `presence.news.${tenant}.${hash("sha256", topic, "base64url").slice(0, 22)}`;
}
