/** The policy in force, as `GET …/policy` answers it. */
export interface Policy {
  readonly version: number;
  readonly at: string;
  readonly by: string;
  readonly why: string;
  readonly origin: { readonly kind: "file" | "http" | "empty"; readonly name?: string; readonly missing?: boolean };
  readonly document: string;
  /** Why a file that is younger than the document is not in force. */
  readonly rejected?: unknown;
}

/** Something that is wrong with a document, or hardly meant. */
export interface Fault {
  readonly line?: number;
  readonly column?: number;
  readonly path: string;
  readonly message: string;
}

/** One thing that two documents differ in. */
export interface Difference {
  readonly change: "added" | "removed" | "changed";
  readonly kind: string;
  readonly name: string;
  readonly before?: string;
  readonly after?: string;
}

/** The differences that are told, and how many more there are. */
export interface Diff {
  readonly differences: readonly Difference[];
  readonly more: number;
}

/** What a text would be as the next document: `POST …/policy/review`. */
export interface Review {
  readonly version: number;
  readonly faults: readonly Fault[];
  readonly warnings: readonly Fault[];
  readonly cases: number;
  readonly failed: readonly Fault[];
  readonly diff: Diff;
  readonly effects: readonly {
    readonly who: readonly string[];
    readonly others: number;
    readonly gains: readonly string[];
    readonly loses: readonly string[];
    readonly moreRules: number;
  }[];
  readonly moreEffects: number;
  /** Subjects with roles set over HTTP that were not looked at. */
  readonly unseen: number;
}

/** A version of the policy, as the history lists it. */
export interface PolicyVersion {
  readonly version: number;
  readonly at: string;
  readonly by: string;
  readonly why: string;
  readonly diff?: Diff;
}
