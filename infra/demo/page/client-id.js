const KEY = "sluice-client";

/** The id of this tab, under which the edge keeps its topics: it lives as long as the tab does. */
export function clientId() {
  return sessionStorage.getItem(KEY) ?? newClientId();
}

/** Gives the tab another id, and answers it. */
export function newClientId() {
  const id = crypto.randomUUID?.() ?? String(Math.random()).slice(2);
  sessionStorage.setItem(KEY, id);
  return id;
}
