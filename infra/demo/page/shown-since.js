const KEY = "sluice-shown-since";
const FIRST_MS = 60_000;

/** Keeps since when the list shows events, for the person, until the tab is closed. */
export function rememberShown(user, since) {
  if (user !== undefined && since !== undefined) sessionStorage.setItem(KEY, JSON.stringify({ ...user, since }));
}

/** Since when the person's events are shown: as before the page was loaded again, and a minute back otherwise. */
export function shownSince({ name, tenant }) {
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
  if (kept.name === name && kept.tenant === tenant) return kept.since;
  return new Date(Date.now() - FIRST_MS).toISOString();
}
