import { Agent, EventSource } from "undici";
import { readTarget, reportMessages, stayAlive } from "./report.ts";

// undici's EventSource: credentials go in by a dispatcher.
const { url, authorization } = readTarget();
const dispatcher = new Agent().compose((dispatch) => (options, handler) => {
  const headers = { ...(options.headers as object), authorization };
  return dispatch({ ...options, headers }, handler);
});
reportMessages(new EventSource(url, { node: { dispatcher } }));
stayAlive();
