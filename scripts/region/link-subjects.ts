import { CONNECTIONS_STREAM } from "#shared/contract/connection-log.ts";
import { AUTH_STREAMS, mirrorConsumer, regionApi, SEAT_STREAM } from "#shared/contract/home.ts";
import { SUBSCRIPTIONS_STREAM } from "#shared/contract/subscriptions.ts";
import type { Grant } from "./home-accounts.ts";

/** What crosses the link whose account is a home's, whichever of the two regions the home is written in. */
const EITHER_WAY = [
  // Events, to the one log that takes them, and the entries of edges in the connection log.
  "events.*.>",
  "connections.*.*.*",
  // Policy asks all edges of the home.
  "edge.ask",
  // Acknowledgements, answers, and the flow control of mirrors.
  "_R_.>",
  "$JS.FC.>",
  "$JS.ACK.>",
  "$JSC.R.>",
  "$JS.M.>",
];

/** What a region asks the JetStream of the other about streams that it mirrors. None of it changes a stream. */
function originCalls(origin: string, here: string, stream = "*"): string[] {
  const api = regionApi(origin);
  return [
    `${api}.STREAM.INFO.${stream}`,
    `${api}.CONSUMER.CREATE.${stream}.${mirrorConsumer(here)}`,
    `${api}.CONSUMER.INFO.${stream}.${mirrorConsumer(here)}`,
    `${api}.CONSUMER.RESET.${stream}.${mirrorConsumer(here)}`,
  ];
}

/** How an edge asks JetStream for an entry: here, and in another region, where the original of a log is that it reads a mirror of. */
export const ENTRY_CALL = "$JS.API.STREAM.MSG.GET.*";

/** The same call in another region. */
export function entryCallOf(region: string): string {
  return entryCallFor(region, "*");
}

/** What of it is denied: logs are read so, and nothing else is. */
function deniedEntries(region: string): string[] {
  const others = [...AUTH_STREAMS, SEAT_STREAM, "KV_sluice_policy_parts", SUBSCRIPTIONS_STREAM, CONNECTIONS_STREAM];
  return others.map((stream) => entryCallFor(region, stream));
}

function entryCallFor(region: string, stream: string): string {
  return `${regionApi(region)}.STREAM.MSG.GET.${stream}`;
}

/**
 * What services of a home may do beside what they may in its only region: auth and policy keep mirrors, and read where the home's seat is;
 * edges ask whether an original has what its mirror here has not.
 */
export function standbyGrants(here: string, other: string, suffix = ""): Grant[] {
  const api = regionApi(other);
  const seat = ["$JS.API", api].map((each) => `${each}.STREAM.INFO.${SEAT_STREAM}`);
  const auth = [...seat, ...AUTH_STREAMS.flatMap((each) => originCalls(other, here, each))];
  const denied = AUTH_STREAMS.filter((each) => each !== "KV_sluice_revoked");
  return [
    { user: `auth${suffix}`, allow: auth },
    {
      user: `policy${suffix}`,
      allow: [`${api}.STREAM.LIST`, ...originCalls(other, here)],
      deny: denied.map((each) => `${api}.CONSUMER.*.${each}.>`),
    },
    {
      user: `stream${suffix}`,
      allow: [entryCallOf(other)],
      deny: deniedEntries(other),
    },
  ];
}

/** What a region may send through the link, and what it gets: the lists of its user in the account of a home of this region. */
export function linkSubjects(
  here: string,
  other: string,
): { readonly publish: string[]; readonly denied: string[]; readonly subscribe: string[] } {
  return {
    denied: deniedEntries(here),
    publish: [
      ...EITHER_WAY,
      `${regionApi(here)}.STREAM.LIST`,
      ...originCalls(here, other),
      entryCallOf(here),
      `mirror.${here}.>`,
      ...answersTo(""),
    ],
    subscribe: [
      ...EITHER_WAY,
      `${regionApi(other)}.STREAM.LIST`,
      ...originCalls(other, here),
      entryCallOf(other),
      // A server asks for all that it answers: it gets nothing of a list that has less. What is asked, the users' lists say.
      `${regionApi(other)}.CONSUMER.>`,
      `mirror.${other}.>`,
      ...answersTo(`-${here}`),
    ],
  };
}

/** Where answers to auth and policy of a home arrive; in the region that mirrors it, their names have its suffix. */
function answersTo(suffix: string): string[] {
  return ["auth", "policy"].map((user) => `_INBOX.${user}${suffix}.>`);
}
