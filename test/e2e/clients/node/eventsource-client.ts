import { createEventSource } from "eventsource-client";
import { readTarget, report } from "./report.ts";

// eventsource-client hands every message to one function, whatever its event.
const { url, authorization } = readTarget();
createEventSource({
  url,
  headers: { authorization },
  onMessage: ({ event = "message", id = "", data }) => report({ event, id, data }),
});
