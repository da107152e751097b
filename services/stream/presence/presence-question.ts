/** A question about who listens in a tenant, as one worker asks it of all. */
export interface PresenceQuestion {
  readonly tenant: string;
  /** A topic pattern: asked about is who would get an event under it. */
  readonly topic: string;
  /** The only person who is asked about; undefined for all. */
  readonly subject?: string | undefined;
  /** `people` in the order of their names, `count` how many there are, `topics` what the person listens to. */
  readonly wants: "people" | "count" | "topics";
  /** People behind this name alone; empty for all. */
  readonly after: string;
  /** How many people an answer may name. */
  readonly limit: number;
}

/** A person who listens. */
export interface Listener {
  readonly subject: string;
  /** When the oldest of the connections was opened, in milliseconds since 1970. */
  readonly sinceMs: number;
  /** Open connections. */
  readonly devices: number;
}

/** What one worker knows. */
export interface PresenceAnswer {
  /** The first people behind `after`, in the order of their names. */
  readonly people: readonly Listener[];
  /** There are more people, or topics, than the answer has. */
  readonly hasMore: boolean;
  /** Open connections of all people, named or not. */
  readonly devices: number;
  /** A mark for each person, `MARK_CHARACTERS` long, one behind the other, where a count is asked for. */
  readonly marks: string;
  /** The topic patterns that are listened to, where they are asked for. */
  readonly topics: readonly string[];
}

/** The most people that an answer may name. */
export const MAX_PEOPLE = 500;

/** The most topic patterns that an answer may name. */
export const MAX_TOPICS_LISTED = 500;

/** The most people of one worker that can be counted: their marks must leave room in a message of 1 MB. */
export const MAX_COUNTED = 100_000;

/** 6 bytes of a hash: two of 100 000 people have the same mark once in 50 000 counts. */
export const MARK_CHARACTERS = 8;

/** What all workers together know. */
export interface PresenceFound {
  readonly people: readonly Listener[];
  readonly hasMore: boolean;
  readonly count: { readonly people: number; readonly devices: number };
  readonly topics: readonly string[];
}

/** Puts the answers of workers together: a person's connections are counted over all of them. */
export function mergeAnswers({ limit, wants }: PresenceQuestion, answers: readonly PresenceAnswer[]): PresenceFound {
  const people = mergePeople(answers.flatMap((answer) => answer.people));
  const isCut = answers.some(({ hasMore }) => hasMore);
  return {
    people: people.slice(0, limit),
    hasMore: isCut || people.length > limit,
    count: {
      people: wants === "count" ? countMarks(answers) : people.length,
      devices: answers.reduce((sum, { devices }) => sum + devices, 0),
    },
    topics: [...new Set(answers.flatMap(({ topics }) => topics))].toSorted(),
  };
}

function mergePeople(all: readonly Listener[]): Listener[] {
  const bySubject = new Map<string, Listener>();
  for (const listener of all) {
    const known = bySubject.get(listener.subject);
    bySubject.set(listener.subject, known === undefined ? listener : addUp(known, listener));
  }
  return [...bySubject.values()].toSorted(byName);
}

function addUp({ subject, sinceMs, devices }: Listener, other: Listener): Listener {
  return { subject, sinceMs: Math.min(sinceMs, other.sinceMs), devices: devices + other.devices };
}

/** By code units, so that every worker has the same order. */
export function byName(a: Pick<Listener, "subject">, b: Pick<Listener, "subject">): number {
  return a.subject < b.subject ? -1 : Number(a.subject > b.subject);
}

function countMarks(answers: readonly PresenceAnswer[]): number {
  const marks = new Set<string>();
  for (const { marks: text } of answers) {
    for (let at = 0; at < text.length; at += MARK_CHARACTERS) marks.add(text.slice(at, at + MARK_CHARACTERS));
  }
  return marks.size;
}
