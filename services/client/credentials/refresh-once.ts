import type { Environment } from "../environment/environment.ts";

/** What a tab tells the others after a refresh: the token, or that the cookie is new. */
export interface Refreshed {
  readonly token: string | undefined;
}

/** How a tab refreshes, and whether what another one got is as good. */
interface Refresh {
  /** The edge. */
  readonly url: string;
  /** Whose the token is, as far as that is known: only tabs of the same person hear of it. */
  readonly person: string;
  readonly refresh: () => Promise<Refreshed>;
  /** Whether this tab may use it. What it may not use, tabs like it may not either: they are not told. */
  readonly isOwn: (refreshed: Refreshed) => boolean;
}

/** The word of a tab that has refreshed may come so much later than its lock. */
const GRACE_MS = 100;

/**
 * Refreshes, in one tab of the origin at a time. A tab that has waited for another one takes what that one got: a refresh token
 * that two tabs use at once looks stolen. Where there are no locks, each refreshes by itself.
 * @throws what the refresh throws.
 */
export async function refreshOnce(
  { locks, openChannel, after }: Pick<Environment, "locks" | "openChannel" | "after">,
  { url, person, refresh, isOwn }: Refresh,
): Promise<Refreshed> {
  if (locks === undefined || openChannel === undefined) return refresh();
  // One lock for all: who has no token yet may use the same refresh token.
  const name = `sluice-refresh:${url}`;
  const channel = openChannel(name + person);
  let theirs: Refreshed | undefined;
  channel.addEventListener("message", ({ data }) => {
    if (isOwn(data as Refreshed)) theirs = data as Refreshed;
  });
  const lead = async (): Promise<Refreshed> => {
    const refreshed = await refresh();
    if (isOwn(refreshed)) channel.postMessage(refreshed);
    return refreshed;
  };
  try {
    const own = await locks.request(name, { ifAvailable: true }, (lock) => (lock === null ? undefined : lead()));
    if (own !== undefined) return own;
    return await locks.request(name, async () => {
      if (theirs === undefined) await new Promise<void>((resolve) => after(GRACE_MS, resolve));
      return theirs ?? lead();
    });
  } finally {
    channel.close();
  }
}
