import type { ClientStreams, TopicsAnnouncement } from "../client-streams.ts";
import { type ChangeTopicsDeps, resetTopics } from "./change-topics.ts";

/** The edge, as far as it heeds announcements. */
export interface HeedDeps extends ChangeTopicsDeps {
  readonly clientStreams: ClientStreams;
}

/**
 * Does what another edge's announcement asks for: ends the client's stream here where a later one has claimed its record, and returns its
 * topics to its URL's where the record was forgotten. Throws AppError where those cannot be changed now.
 */
export async function heedAnnouncement({ client, generation }: TopicsAnnouncement, deps: HeedDeps): Promise<void> {
  if (generation !== undefined) return deps.clientStreams.yieldTo(client, generation);
  const stream = deps.clientStreams.find(client);
  if (stream !== undefined) await resetTopics(stream, deps);
}
