import { eventTypeOf } from "#shared/protocol/topics.ts";
import type { FoundEvent, MissingEvent } from "../events/find-event.ts";
import type { Snapshot } from "../decide/snapshot.ts";
import type { Chain } from "./chain.ts";
import type { Asking, VersionExplanation } from "./decided.ts";
import type { Link, LinkName } from "./link.ts";
import { suggestRole } from "./suggest-role.ts";
import { suggestType, type SuggestTypeDeps } from "./suggest-type.ts";
import { advice, type Suggestion } from "./suggestion.ts";

const OF_STREAMS: ReadonlySet<LinkName> = new Set(["connected", "topic", "session"]);

/** What a suggestion is made for. */
export interface Suggesting {
  readonly found: FoundEvent | MissingEvent;
  readonly chain: Chain;
  readonly snapshot: Snapshot;
  readonly asking: Asking;
  /** The present decision. */
  readonly now: VersionExplanation;
  /** Milliseconds since 1970. */
  readonly wall: number;
}

/**
 * The one change that mends the first no. Where now is a yes what was a no, it is about the first that is a no now; and where none is, a
 * replay brings the event. Undefined where nothing helps.
 */
export async function suggest(deps: SuggestTypeDeps, suggesting: Suggesting): Promise<Suggestion | undefined> {
  const { found, chain, asking } = suggesting;
  if (chain.firstNo === null) return undefined;
  if (found.state === "poison") {
    return advice("publish_again", `Publish it again so that it can be shown: ${found.because}.`);
  }
  if (found.state !== "kept") return undefined;
  const target = targetOf(chain);
  if (target !== undefined) return suggestFor(deps, suggesting, target);
  if (chain.isPending) return advice("wait", `It is on its way to ${asking.subject.id}.`);
  const from = new Date(found.storedAt).toISOString();
  return advice("replay", `Now it would arrive: a stream with from=${from}, or an earlier Last-Event-ID, gets it.`);
}

/** The link to mend: the first no, unless it is a yes by now; then the first that is a no now, or none. */
function targetOf({ chain, firstNo, isPending }: Chain): LinkName | undefined {
  const first = chain.find(({ link }) => link === firstNo);
  if (first === undefined || first.link === "delivered") return isPending ? undefined : firstNowNo(chain);
  if (first.now.answer === "yes") return firstNowNo(chain);
  // A stream for a topic of which nothing is granted is refused: the policy comes before it.
  const isOfStreams = OF_STREAMS.has(first.link);
  return (isOfStreams ? firstNowNo(chain.filter(({ link }) => !OF_STREAMS.has(link))) : undefined) ?? first.link;
}

function firstNowNo(chain: readonly Link[]): LinkName | undefined {
  return chain.find(({ link, now }) => now.answer === "no" && link !== "delivered")?.link;
}

async function suggestFor(
  deps: SuggestTypeDeps,
  { snapshot, asking, now, wall }: Suggesting,
  target: LinkName,
): Promise<Suggestion | undefined> {
  const { subject, topic } = asking;
  switch (target) {
    case "mapped":
      return suggestType(deps, snapshot, eventTypeOf(topic));
    case "connected":
      return advice("open_stream", `${subject.id} opens a stream with topic=${topic}.`);
    case "topic":
      return advice("subscribe", `A stream of ${subject.id} subscribes to ${topic}.`);
    case "session":
      return advice("log_in", `${subject.id} logs in again and opens a stream.`);
    case "role":
      return suggestRole(snapshot, asking, wall);
    case "rule":
      return now.rule?.effect === "deny"
        ? advice("change_rule", `If that is not meant: role ${now.rule.role} says deny ${now.rule.rule}.`)
        : ((await suggestRole(snapshot, asking, wall)) ??
            advice("change_rule", `If that is not meant, change the rules: ${now.because}.`));
    case "stored":
    case "delivered":
      return undefined;
  }
}
