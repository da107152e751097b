import type { Environment } from "../environment/environment.ts";

/** What tabs share a stream by. */
export interface Sharing {
  /** Tabs whose requests have one name would get exactly the same frames. */
  readonly name: string;
  /** Whether a stream without an id begins at the present: then a tab that joins begins where the stream is. */
  readonly beginsNow: boolean;
  /**
   * Puts this tab's credentials in force for another tab's connection; false where that is another person's. Undefined where the
   * name tells already whose stream it is.
   */
  readonly prove: ((connectionId: string) => Promise<boolean>) | undefined;
  /** Whether this tab's credentials are still those that the name was made of. */
  readonly isStill: () => boolean;
  /** Hears that they are not: the stream is to be opened anew, by what they are now. */
  readonly onOther: () => void;
  readonly platform: TabPlatform;
}

/** What a browser has for tabs. */
export interface TabPlatform extends Pick<Environment, "after" | "watch"> {
  readonly locks: NonNullable<Environment["locks"]>;
  readonly openChannel: NonNullable<Environment["openChannel"]>;
  /** A name that no other tab has. */
  readonly newTabId: () => string;
}
