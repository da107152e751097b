/** How lines are written: as JSON, or for people. */
export const LOG_FORMATS = ["json", "pretty"] as const;

/** One of them. */
export type LogFormat = (typeof LOG_FORMATS)[number];
