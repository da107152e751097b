import { EventSource } from "eventsource";
import { readTarget, reportMessages, stayAlive } from "./report.ts";

// npm's eventsource: credentials go in by a fetch of one's own.
const { url, authorization } = readTarget();
const source = new EventSource(url, {
  fetch: (address, init) => fetch(address, { ...init, headers: { ...init.headers, authorization } }),
});
reportMessages(source);
stayAlive();
