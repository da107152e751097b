import type { LiveThing } from "#shared/contract/live-things.ts";
import { connect } from "../../client/client.ts";
import type { TokenSource } from "./api-client.ts";

/** Tells when a list has changed, by one stream of policy for all lists of a tenant. */
export interface Live {
  /** Calls `onChange` when such a thing of the tenant has changed, or may have, until the answer is called. */
  watch(tenant: string, thing: LiveThing, onChange: () => void): () => void;
}

interface Watcher {
  readonly thing: LiveThing;
  readonly onChange: () => void;
}

interface Followed {
  readonly watchers: Set<Watcher>;
  readonly close: () => void;
}

const THINGS = ["connections", "subscriptions"] as const satisfies readonly LiveThing[];

/** Follows tenants by our own client, each while somebody watches. Where the stream is away, lists are asked for as often as without it. */
export function createLive(tokens: TokenSource, origin: string): Live {
  const followed = new Map<string, Followed>();
  return {
    watch(tenant, thing, onChange) {
      const each = followed.get(tenant) ?? follow(tokens, `${origin}/v1/tenants/${encodeURIComponent(tenant)}/live`);
      followed.set(tenant, each);
      const watcher = { thing, onChange };
      each.watchers.add(watcher);
      return () => {
        each.watchers.delete(watcher);
        if (each.watchers.size > 0 || followed.get(tenant) !== each) return;
        followed.delete(tenant);
        each.close();
      };
    },
  };
}

function follow(tokens: TokenSource, url: string): Followed {
  const watchers = new Set<Watcher>();
  const notify = (changed: (thing: LiveThing) => boolean): void => {
    for (const { thing, onChange } of watchers) if (changed(thing)) onChange();
  };
  const stream = connect({
    url,
    topics: THINGS.map((thing) => `${thing}.changed`),
    token: () => tokens.token(),
    transports: ["sse"],
    share: false,
    // It has no history: whoever comes back reads the lists anew, see below.
    onGap: "ignore",
    onReset: "ignore",
    onDegraded: "ignore",
  });
  for (const changed of THINGS) stream.on(`${changed}.changed`, () => notify((thing) => thing === changed));
  let wasLive = false;
  stream.onState(({ name }) => {
    if (name !== "live") return;
    if (wasLive) notify(() => true);
    wasLive = true;
  });
  return { watchers, close: () => stream.close() };
}
