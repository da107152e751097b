/** How much of the events of a pattern somebody sees; of what is not seen at all there is none. */
export interface Sight {
  readonly how: "all" | "some";
  readonly rules: readonly string[];
}

/** A name of the policy, what it sees, and what it saw by the version that is compared. */
export interface Person {
  readonly who: string;
  readonly roles: readonly string[];
  readonly sees: Readonly<Record<string, Sight>>;
  readonly saw?: Readonly<Record<string, Sight>>;
}

/** A page of who sees what: `GET …/policy/visibility`. */
export interface Visibility {
  readonly version: number;
  readonly compared?: number;
  readonly types: readonly { readonly pattern: string; readonly permission: string }[];
  readonly total: number;
  readonly unseen: number;
  readonly people: readonly Person[];
  readonly next?: string;
}

/** What has become of a sight from the one version to the other. */
export type Step = "same" | "gained" | "lost" | "changed";

/** Event patterns that the same people see in the same way: they are one column. */
export interface TypeGroup {
  readonly patterns: readonly string[];
}

/** Puts the patterns together of which everybody sees as much. */
export function groupTypes({ types, people }: Visibility, wanted: string): TypeGroup[] {
  const groups = new Map<string, string[]>();
  for (const { pattern } of types) {
    if (!pattern.includes(wanted)) continue;
    const key = JSON.stringify(people.map(({ sees, saw }) => [sees[pattern] ?? 0, saw?.[pattern] ?? 0]));
    groups.set(key, [...(groups.get(key) ?? []), pattern]);
  }
  return [...groups.values()].map((patterns) => ({ patterns: [...new Set(patterns)] }));
}

/** What a pattern's sight was and is. Where no version is compared, nothing has changed. */
export function stepOf({ sees, saw }: Person, pattern: string): Step {
  if (saw === undefined) return "same";
  const [is, was] = [sees[pattern], saw[pattern]];
  if (JSON.stringify(is) === JSON.stringify(was)) return "same";
  if (was === undefined) return "gained";
  return is === undefined ? "lost" : "changed";
}
