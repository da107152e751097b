import { poll } from "#shared/async/poll.ts";
import type { LiveThing } from "#shared/contract/live-things.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { ChangeFeed } from "./change-feed.ts";

/** How many may follow one tenant, and how many tenants are followed. */
const MAX_VIEWERS = 32;
const MAX_TENANTS = 64;

/** A thing that changes all the time is told of no more often. */
const NOTIFY_EVERY_MS = 1_000;

/** Who follows a tenant's changes. */
export interface LiveViewer {
  /** Something changed since the last time; which thing is all that is told. */
  changed(thing: LiveThing): void;
  end(why: "stopping" | "unavailable"): void;
}

/** The changes of tenants. Disposing ends all viewers. */
export interface LiveChanges extends AsyncDisposable {
  /** Has a viewer hear of a tenant's changes, until the answer is disposed. Throws AppError `too_many_requests` where too many do. */
  open(tenant: string, viewer: LiveViewer): Disposable;
}

interface Followed extends AsyncDisposable {
  readonly viewers: Set<LiveViewer>;
}

/** Follows each tenant once for all its viewers, while it has any. */
export function createLiveChanges(feed: ChangeFeed, everyMs = NOTIFY_EVERY_MS): LiveChanges {
  const followed = new Map<string, Followed>();
  const closing = new Set<Promise<void>>();
  const close = (tenant: string, each: Followed): void => {
    if (followed.get(tenant) === each) followed.delete(tenant);
    const closed = Promise.resolve(each[Symbol.asyncDispose]());
    closing.add(closed);
    void closed.then(() => closing.delete(closed));
  };
  const begin = (tenant: string): Followed => {
    if (followed.size >= MAX_TENANTS) throw tooMany("too many tenants are looked at; try again later");
    const each: Followed = follow(feed, tenant, everyMs, () => close(tenant, each));
    followed.set(tenant, each);
    return each;
  };
  return {
    open(tenant, viewer) {
      const each = followed.get(tenant) ?? begin(tenant);
      if (each.viewers.size >= MAX_VIEWERS) throw tooMany(`${MAX_VIEWERS} follow this tenant already`);
      each.viewers.add(viewer);
      return {
        [Symbol.dispose]() {
          if (each.viewers.delete(viewer) && each.viewers.size === 0) close(tenant, each);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      for (const [tenant, each] of followed) {
        for (const viewer of each.viewers) viewer.end("stopping");
        if (followed.get(tenant) === each) close(tenant, each);
      }
      await Promise.all(closing);
    },
  };
}

function follow(feed: ChangeFeed, tenant: string, everyMs: number, onLost: () => void): Followed {
  const stop = new AbortController();
  const viewers = new Set<LiveViewer>();
  const changed = new Set<LiveThing>();
  const followOn = async (): Promise<void> => {
    await feed.follow(tenant, (thing) => void changed.add(thing), stop.signal).catch(() => undefined);
    if (stop.signal.aborted) return;
    onLost();
    for (const viewer of viewers) viewer.end("unavailable");
  };
  const following = followOn();
  const telling = poll(everyMs, async () => {
    const things = [...changed];
    changed.clear();
    for (const thing of things) for (const viewer of viewers) viewer.changed(thing);
  });
  return {
    viewers,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await telling[Symbol.asyncDispose]();
      await following;
    },
  };
}

function tooMany(message: string): AppError {
  return new AppError("too_many_requests", message);
}
