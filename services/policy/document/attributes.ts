/** What is known of somebody, by name: sorted values without repetition; a single value is a list of one. */
export type Attributes = ReadonlyMap<string, readonly string[]>;
