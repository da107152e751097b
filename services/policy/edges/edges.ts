import type { EdgeAnswer, EdgeQuestion } from "#shared/contract/edge-questions.ts";

/** The field that the answers to a kind of question have. */
export interface AnswerFields {
  readonly connections: "connections";
  readonly nodes: "node";
  readonly reach: "reach";
  readonly close: "closed";
  readonly clients: "clients";
  readonly subscriptions: "delivering";
  readonly subscription: "carriedOut";
}

/** A worker's answer to a kind of question. */
export type AnswerTo<Ask extends keyof AnswerFields> = Extract<EdgeAnswer, Record<AnswerFields[Ask], unknown>>;

/** What the workers said to one question. */
export interface EdgeAnswers<Ask extends keyof AnswerFields> {
  /** One of each worker that answered in time. */
  readonly answers: readonly AnswerTo<Ask>[];
  /** A worker is missing: it was silent, said what makes no sense, or does not understand the question. */
  readonly partial: boolean;
}

/** All workers of all edges. */
export interface Edges {
  /**
   * Asks all of them at once, and waits for no longer than a second; for a worker that is asked by name, which has something to do, five.
   * A worker that is missing is no error.
   * @throws {AppError} `unavailable` when the bus is out of reach.
   */
  ask<Question extends EdgeQuestion>(question: Question): Promise<EdgeAnswers<Question["ask"]>>;
}
