import type {
  AnswerPresence,
  Interest,
  PeerAnswers,
  QuestionPeers,
  WatchedTopic,
  WatchPeers,
} from "../../services/stream/presence/ports.ts";
import type { PresenceNews } from "../../services/stream/presence/presence-news.ts";
import type { PresenceAnswer } from "../../services/stream/presence/presence-question.ts";

/** Workers that hear each other in memory, at once, as far as presence goes. */
export function createPresenceBus() {
  const interests = new Map<string, (interest: Interest) => void>();
  const followers = new Set<{ readonly key: string; readonly worker: string; readonly hear: Follower }>();
  const counts = { news: 0, interests: 0 };
  const peersOf = (worker: string): WatchPeers => ({
    ask(interest) {
      counts.interests += 1;
      for (const [other, hear] of interests) if (other !== worker) hear(interest);
    },
    publish(topic, news) {
      counts.news += 1;
      for (const { key, worker: other, hear } of followers)
        if (key === keyOf(topic) && other !== worker) hear(worker, news);
    },
    follow(topic, hear) {
      const follower = { key: keyOf(topic), worker, hear };
      followers.add(follower);
      return { [Symbol.dispose]: () => void followers.delete(follower) };
    },
    serve(hear) {
      interests.set(worker, hear);
      return { [Symbol.dispose]: () => void interests.delete(worker) };
    },
  });
  return { counts, peersOf, following: () => followers.size };
}

type Follower = (workerId: string, news: PresenceNews) => void;

function keyOf({ tenant, topic }: WatchedTopic): string {
  return `${tenant} ${topic}`;
}

/** Peers that answer questions as the test says; those that are `silent` never do. */
export function answeringPeers(
  answers: Readonly<Record<string, PresenceAnswer | "silent">>,
): QuestionPeers & { asked: number } {
  const peers = {
    asked: 0,
    async gather(_question: unknown, isEnough: (all: PeerAnswers) => boolean): Promise<PeerAnswers> {
      peers.asked += 1;
      const all = new Map<string, PresenceAnswer>();
      for (const [worker, answer] of Object.entries(answers)) {
        if (answer !== "silent") all.set(worker, answer);
        if (isEnough(all)) break;
      }
      return all;
    },
    serve: (_answer: AnswerPresence): Disposable => ({ [Symbol.dispose]: () => {} }),
  };
  return peers;
}
