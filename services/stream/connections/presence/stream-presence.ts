import type { Registration, TopicGrant } from "../../access/registration.ts";
import type { PresenceChoice } from "../../subscription/parse-presence.ts";
import type { Stream } from "../hub.ts";
import type { Reader } from "../reader.ts";
import type { Tenant } from "../tenant.ts";
import type { PresenceWatches } from "./presence-watches.ts";

/** What streams ask of presence. */
export interface StreamPresence {
  /**
   * Finds out what a stream that is being opened may watch.
   * @throws {AppError} `limit_exceeded`, `unavailable`.
   */
  prepare(tenant: Tenant, registration: Registration, choice: PresenceChoice): Promise<void>;
  /** Does as a stream chooses, which begins in this tick; answers what it may watch, or undefined where it asks for nothing. */
  attend(stream: Stream, choice: PresenceChoice): readonly TopicGrant[] | undefined;
}

/** Does what streams ask of presence. `invisible` gets those that do not want to be seen. */
export function createStreamPresence(watches: PresenceWatches, invisible: WeakSet<Reader>): StreamPresence {
  return {
    prepare: (tenant, registration, { topics }) => watches.prepare(tenant, registration, topics),
    attend(stream, { isVisible, topics }) {
      if (!isVisible) invisible.add(stream.reader);
      return topics.length === 0 ? undefined : watches.attend(stream, topics);
    },
  };
}
