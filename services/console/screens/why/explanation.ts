/** A link of the chain from an event to a person. */
export interface ChainLink extends LinkAnswer {
  readonly link: string;
  readonly title: string;
  /** The same question for the present moment. */
  readonly now: LinkAnswer;
}

/** The answer to one link's question, and by what. */
export interface LinkAnswer {
  readonly answer: "yes" | "no" | "unknown";
  readonly evidence: readonly string[];
  readonly at?: string;
  readonly connectionId?: string;
}

/** Who gains and loses what by a change. */
export interface Effect {
  readonly who: readonly string[];
  readonly gains: readonly string[];
  readonly loses: readonly string[];
}

/** The one change that would mend the first no. */
export interface Suggestion {
  readonly kind: string;
  readonly text: string;
  /** The call that makes it; null where a person has to do something. */
  readonly call: {
    readonly method: "POST" | "PUT" | "DELETE";
    readonly path: string;
    readonly ifMatch: number;
    readonly body?: unknown;
  } | null;
  readonly effects: readonly Effect[];
  readonly more: number;
}

/** The event that was asked about: kept, or why not. */
export interface ExplainedEvent {
  readonly state: string;
  readonly because?: string;
  readonly id?: string;
  readonly sequence?: number;
  readonly topic?: string;
  readonly type?: string;
  readonly storedAt?: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
  /** Events of the topic that are near the time that was asked for. */
  readonly nearest?: readonly { readonly id: string; readonly sequence: number; readonly storedAt: string }[];
}

/** A rule that was looked at. */
export interface ConsideredRule {
  readonly role: string;
  readonly effect: string;
  readonly rule: string;
  readonly holds: boolean;
  readonly because: string;
}

/** A decision by one version of the policy. */
export interface Decision {
  readonly version: number;
  readonly allow: boolean;
  readonly permission: string | null;
  readonly because: string;
  readonly roles: readonly { readonly role: string; readonly via: readonly string[] }[];
  readonly considered: readonly ConsideredRule[];
  readonly more: number;
}

/** What `GET …/explain` answers; docs/guides/explaining-decisions.md says what each field means. */
export interface Explanation {
  readonly subject: string;
  readonly holds: { readonly from: string; readonly roles: readonly string[]; readonly groups: readonly string[] };
  readonly event: ExplainedEvent;
  readonly chain: readonly ChainLink[];
  readonly firstNo: string | null;
  readonly suggestion?: Suggestion | null;
  readonly masked?: { readonly whenPublished: readonly string[] | null; readonly now: readonly string[] | null };
  readonly whenPublished?: Decision | { readonly unknown: string };
  readonly now?: Decision;
}

/** What an explanation comes to. */
export interface Verdict {
  readonly tone: "good" | "bad" | "warn";
  /** One word. */
  readonly answer: string;
  /** The sentence that is shown large. */
  readonly text: string;
  /** What the sentence is about. */
  readonly about: string;
}

/** The first no, else the first thing that is not known, else that the person got the event. */
export function verdictOf({ subject, chain, firstNo }: Explanation): Verdict {
  const no = chain.find(({ link }) => link === firstNo);
  if (no !== undefined) return { tone: "bad", answer: "No", text: no.evidence[0] ?? "", about: no.title };
  const last = chain.at(-1);
  const delivered = last?.evidence[0] ?? `${subject} got it.`;
  if (last?.answer === "yes") return { tone: "good", answer: "Yes", text: delivered, about: last.title };
  const unknown = chain.find(({ answer }) => answer === "unknown");
  return { tone: "warn", answer: "Unknown", text: unknown?.evidence[0] ?? "", about: unknown?.title ?? "" };
}
