import type { NatsConnection } from "@nats-io/transport-node";
import type { HandshakeDeps } from "../access/verify.ts";
import { type AskPresence, openPresenceQuestions } from "../ask-presence.ts";
import type { Hub } from "../connections/hub.ts";
import { answerHere } from "../connections/presence/presence-here.ts";
import { PresenceSources } from "../connections/presence/presence-sources.ts";
import { PresenceWatches } from "../connections/presence/presence-watches.ts";
import { createStreamPresence, type StreamPresence } from "../connections/presence/stream-presence.ts";
import type { Reader } from "../connections/reader.ts";
import type { PresenceObserver, Roster } from "../presence/ports.ts";
import { createWallTimes } from "../presence/wall-times.ts";
import { createQuestionPeers, createWatchPeers } from "./presence-peers.ts";

/** The edge, as far as presence uses it. */
export interface OpenPresenceDeps extends HandshakeDeps {
  readonly nats: NatsConnection;
  readonly figures: PresenceObserver;
  readonly workerId: string;
  readonly hub: Hub;
  readonly roster: Roster;
  /** @throws {AppError} `wrong_region` where the home's presence is known in another region. */
  readonly requireHere: () => void;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
}

/** Presence on this worker, until disposed. */
export interface Presence {
  /** How many topics the streams watch. */
  readonly watched: () => number;
  readonly presence: StreamPresence;
  readonly askPresence: AskPresence;
}

/** Opens presence: questions to all workers, and the topics that streams watch. It ends with the stack. */
export function openPresence(deps: OpenPresenceDeps, stack: AsyncDisposableStack): Presence {
  const invisible = new WeakSet<Reader>();
  const hereDeps = { hub: deps.hub, invisible, wallOf: createWallTimes(deps) };
  const { figures } = deps;
  const peers = createWatchPeers(deps);
  const sources = stack.use(
    new PresenceSources({
      ...deps,
      ...hereDeps,
      peers,
      figures,
      applyHere: (topic, news) => watches.apply(topic, news),
    }),
  );
  const watches = stack.use(
    new PresenceWatches({ ...deps, peers, figures, askHere: (interest) => sources.want(interest) }),
  );
  stack.use(peers.serve((interest) => sources.want(interest)));
  const questions = stack.use(
    openPresenceQuestions({
      ...deps,
      figures,
      peers: createQuestionPeers(deps),
      answerHere: (question) => answerHere(question, hereDeps),
    }),
  );
  const presence = createStreamPresence(watches, invisible);
  return {
    presence: {
      ...presence,
      async prepare(tenant, registration, choice) {
        if (choice.topics.length > 0) deps.requireHere();
        return presence.prepare(tenant, registration, choice);
      },
    },
    async askPresence(question, context) {
      deps.requireHere();
      return questions.askPresence(question, context);
    },
    watched: () => watches.size,
  };
}
