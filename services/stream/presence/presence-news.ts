/** Who listens to a watched topic at one worker. */
export interface Present {
  /** Since when each person does, in milliseconds since 1970; undefined where they are too many to be listed. */
  readonly people: ReadonlyMap<string, number> | undefined;
  /** Open connections. */
  readonly devices: number;
}

/** What a worker tells those who watch a topic: who has come and gone since it told them last, or all that it knows. */
export interface PresenceNews {
  /** Random: a worker that has forgotten what it told begins another run. */
  readonly run: string;
  /** Counts the news of a run. */
  readonly seq: number;
  /** Whether this replaces all that was told before. */
  readonly isWhole: boolean;
  /** Whether people are listed; false where they are too many. */
  readonly isListed: boolean;
  readonly joined: readonly (readonly [subject: string, sinceMs: number])[];
  readonly left: readonly string[];
  readonly devices: number;
}

/** People of a watched topic are listed up to here; beyond it their connections are counted. */
export const MAX_LISTED = 200;

/** Whether so many people are listed. Once they were not, only half as many are: at the limit each one would bring a list. */
export function isListable(people: number, wasListed: boolean): boolean {
  return people <= (wasListed ? MAX_LISTED : MAX_LISTED / 2);
}

/** What a worker has told about a topic. */
export class SentPeople {
  readonly #run: string;
  #seq = 0;
  #sent: Present | undefined;

  /** `run` is random. */
  constructor(run: string) {
    this.#run = run;
  }

  /** Whether people were listed when it was told last. */
  get isListed(): boolean {
    return this.#sent === undefined || this.#sent.people !== undefined;
  }

  /** Whether `known` is the last that was told. */
  isUpToDate(known: { readonly run: string; readonly seq: number } | undefined): boolean {
    return known?.run === this.#run && known.seq === this.#seq;
  }

  /** All that was told, once more; undefined where nothing was yet. */
  whole(): PresenceNews | undefined {
    if (this.#sent === undefined) return undefined;
    const { people, devices } = this.#sent;
    return this.#news({
      isWhole: true,
      isListed: people !== undefined,
      joined: [...(people ?? [])],
      left: [],
      devices,
    });
  }

  /** Takes over who listens now; answers the news of it, where there are some. */
  change(now: Present): PresenceNews | undefined {
    const before = this.#sent;
    this.#sent = now;
    if (before === undefined || (before.people === undefined) !== (now.people === undefined)) {
      this.#seq += 1;
      return this.whole();
    }
    const joined = [...(now.people ?? [])].filter(([subject]) => before.people?.has(subject) !== true);
    const left = [...(before.people?.keys() ?? [])].filter((subject) => now.people?.has(subject) !== true);
    const isCounted = now.people === undefined && before.devices !== now.devices;
    if (joined.length + left.length === 0 && !isCounted) return undefined;
    this.#seq += 1;
    return this.#news({ isWhole: false, isListed: now.people !== undefined, joined, left, devices: now.devices });
  }

  #news(news: Omit<PresenceNews, "run" | "seq">): PresenceNews {
    return { run: this.#run, seq: this.#seq, ...news };
  }
}
