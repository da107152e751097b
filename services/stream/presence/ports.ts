import type { PresenceNews } from "./presence-news.ts";
import type { PresenceAnswer, PresenceQuestion } from "./presence-question.ts";

/** Which workers live, of all edges. */
export interface Roster {
  /**
   * Reads their ids, by their leases; undefined where no store of leases is set. Safe to repeat. Throws when the store does not
   * answer: not known.
   */
  readonly read: (() => Promise<ReadonlySet<string>>) | undefined;
  /** How many there are, as far as that is known without the store. */
  readonly size: () => number;
}

/** Answers a question by what this worker knows. */
export type AnswerPresence = (question: PresenceQuestion) => Promise<PresenceAnswer>;

/** The answers of other workers, by their ids. */
export type PeerAnswers = ReadonlyMap<string, PresenceAnswer>;

/** The other workers, as far as questions go to them. */
export interface QuestionPeers {
  /** Asks all of them; resolves once `isEnough`, or after a second, with what has come until then. It never rejects. */
  gather(question: PresenceQuestion, isEnough: (answers: PeerAnswers) => boolean): Promise<PeerAnswers>;
  /** Answers the questions of others, until disposed. */
  serve(answer: AnswerPresence): Disposable;
}

/** A tenant and a topic pattern that is watched in it. */
export interface WatchedTopic {
  readonly tenant: string;
  readonly topic: string;
}

/** What a worker knows of the others' news: the last of each that it has heard. */
export interface Interest extends WatchedTopic {
  readonly known: Readonly<Record<string, { readonly run: string; readonly seq: number }>>;
}

/** The other workers, as far as they watch topics together. What is sent may be lost; nothing here throws. */
export interface WatchPeers {
  /** Says to all others that this topic is watched here. */
  ask(interest: Interest): void;
  /** Tells those who watch this topic. */
  publish(topic: WatchedTopic, news: PresenceNews): void;
  /** Hears the others' news of a topic, until disposed. */
  follow(topic: WatchedTopic, hear: (workerId: string, news: PresenceNews) => void): Disposable;
  /** Hears which topics others watch, until disposed. */
  serve(hear: (interest: Interest) => void): Disposable;
}

/** Counts what presence does; metrics are made from it. */
export interface PresenceObserver {
  /** A question was answered, by all workers that live or by some of them. */
  asked(outcome: "whole" | "partial"): void;
  /** News were told to other workers. */
  sent(): void;
  /** A frame was written to a stream. */
  framed(): void;
}
