import type { Source } from "../source.ts";

/** What this tab's frames come from. */
export type Role =
  /** Nothing yet: the leader is asked, or its stream is not open. */
  | { readonly name: "joining"; readonly giveUp: () => void }
  /** The tab that leads. */
  | { readonly name: "following" }
  /** A stream of its own, until that stands where the shared one is. */
  | { readonly name: "alone"; readonly source: Source; readonly giveBack: () => void }
  /** The stream of all. */
  | { readonly name: "leading"; readonly source: Source }
  /** The page is frozen, or in the back-forward cache. */
  | { readonly name: "away" }
  | { readonly name: "ended" };
