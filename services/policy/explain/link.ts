/** The links between an event and a person, in their order. */
export const LINKS = ["stored", "mapped", "connected", "topic", "session", "role", "rule", "delivered"] as const;

export type LinkName = (typeof LINKS)[number];

/** What is known of a link. */
export type Answer = "yes" | "no" | "unknown";

/** The answer to one link, by what. */
export interface Finding {
  readonly answer: Answer;
  /** One to twelve sentences. Where the answer is unknown they say what is missing. */
  readonly evidence: readonly string[];
  /** A time that belongs to the answer. */
  readonly at?: string;
  /** The stream that the answer is about. */
  readonly connectionId?: string;
}

/** A link, at the event's place in the log and now. */
export interface Link extends Finding {
  readonly link: LinkName;
  readonly title: string;
  readonly now: Pick<Finding, "answer" | "evidence">;
}

const MAX_EVIDENCE = 12;

/** A finding; of more sentences than twelve the first are given. */
export function finding(
  answer: Answer,
  evidence: string | readonly string[],
  more: Pick<Finding, "at" | "connectionId"> = {},
): Finding {
  const sentences = typeof evidence === "string" ? [evidence] : evidence;
  return { answer, evidence: sentences.slice(0, MAX_EVIDENCE), ...more };
}

/** A time as evidence writes it. */
export function timeText(at: number): string {
  return new Date(at).toISOString();
}

/** The first of some names, and how many there are besides. */
export function namesText(names: readonly string[], max = 8): string {
  const some = names.slice(0, max).join(", ");
  return names.length > max ? `${some} and ${names.length - max} more` : some;
}
