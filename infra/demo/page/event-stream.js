import { clientId, newClientId } from "./client-id.js";
import { callService, refusalOf } from "./services.js";

const RETRY_MS = 3_000;
const CUT_MS = 2_000;
const SILENT_MS = 5_000;

const GAP = {
  retention: "the log no longer keeps them",
  purged: "they were removed from the log",
};
const RESET = {
  epoch: "the log was made anew",
  tail_lost: "the log lost its newest events",
  unknown_id: "the log does not know the last event id",
};
const HELD = {
  log: "the log is out of reach",
  authorization: "auth or policy does not answer",
  history: "older events cannot be read",
};
const ENDED = {
  expired: "Your session has expired.",
  revoked: "Your session was ended.",
  forbidden: "You may not be here any more.",
};

/**
 * A stream of events over a native EventSource, and what that leaves to its user: to find out why it was refused, to renew
 * the session, and to come back after the last event id.
 *
 * Its topics change without a new connection, and the edge keeps them under the id of this tab: they are there again after a cut.
 *
 * `on` has `changed()` (look at `state` and the fields below it), `received(event, id)`, `noticed(text, kind)`, `restored(topics)`
 * (the tab had chosen these before) and `signedOut(reason)`. `renew` answers whether the session could be renewed, and throws when auth does not answer.
 */
export class EventStream {
  /** idle, connecting, live, reconnecting, held, refused or ended. */
  state = "idle";
  /** Why, where there is something to say. */
  detail = "";
  connectionId = "";
  lastEventId = "";
  /** Milliseconds since 1970; undefined until the server has said it. */
  expiresAt;
  /** What is granted of each topic, as the server said last. */
  granted = new Map();

  #from = "now";
  /** The topics of the URL, and those that are wanted by now. */
  #base = [];
  #topics = [];
  /** The topics in force, as the server said last. */
  #inForce = new Set();
  #isFirst = true;
  #isChanging = false;
  #on;
  #renew;
  /** Aborted when the present connection is given up, with everything that belongs to it. */
  #attempt = new AbortController();
  #resumesAfter = "";
  #renewedSinceReady = false;

  constructor({ on, renew }) {
    this.#on = on;
    this.#renew = renew;
  }

  /** Opens the stream of these topics, after the last event id; where there is none, at the time `from` (RFC 3339). */
  open(topics, from = this.#from) {
    this.#base = this.#topics = topics;
    this.#from = from;
    this.granted = new Map();
    this.#isFirst = true;
    this.#connect();
  }

  /** Wants other topics: an open stream goes on by them, any other one is opened anew. */
  choose(topics) {
    if (this.connectionId === "") return this.open(topics);
    this.#topics = topics;
    void this.#change();
  }

  /** Cuts the connection, and comes back a moment later as if it had been the network. */
  cut() {
    this.#leave("reconnecting", "the connection was cut");
    this.#resumesAfter = this.lastEventId;
    this.#later(CUT_MS, () => this.#connect());
  }

  /** Ends the stream, and forgets its last event id. */
  close() {
    this.lastEventId = "";
    this.granted = new Map();
    this.#leave("ended", "");
  }

  #connect() {
    this.#leave("connecting", "");
    const { signal } = this.#attempt;
    const source = new EventSource(this.#url());
    signal.addEventListener("abort", () => source.close());
    this.#later(SILENT_MS, () => {
      if (this.state === "connecting")
        this.#tell("connecting", "the edge has not answered for 5 s; still waiting for it");
    });
    const listen = (name, handle) => source.addEventListener(name, handle, { signal });
    const listenFor = (name, handle) =>
      listen(name, (event) => {
        if (event.lastEventId !== "") this.lastEventId = event.lastEventId;
        handle(event.data === "" ? {} : JSON.parse(event.data), event.lastEventId);
        this.#on.changed();
      });
    listenFor("message", (event, id) => this.#on.received(event, id));
    for (const [name, handle] of Object.entries(this.#controls)) listenFor(name, handle);
    // A lost connection comes back by itself; a refusal closes the EventSource for good.
    listen("error", () => {
      this.connectionId = "";
      this.#resumesAfter = this.lastEventId;
      if (source.readyState === EventSource.CLOSED) void this.#recover();
      else this.#tell("reconnecting", this.state === "reconnecting" ? this.detail : "the connection was lost");
    });
  }

  /** What the server says of the stream itself; the names never hold a dot. */
  #controls = {
    ready: ({ connectionId, topics, restored, expiresAt }, id) => {
      this.#tell("live", "");
      this.#renewedSinceReady = false;
      this.connectionId = connectionId;
      this.expiresAt = Date.parse(expiresAt);
      this.#grant(topics);
      if (this.#resumesAfter !== "" && this.#resumesAfter === id) this.#on.noticed(`resumed after ${id}`, "resumed");
      this.#resumesAfter = "";
      if (this.#isFirst && restored) {
        this.#topics = topics.map(({ topic }) => topic);
        this.#on.restored(this.#topics);
      }
      this.#isFirst = false;
      void this.#change();
    },
    cursor: () => {},
    subscription: ({ topics, effectiveFrom }) => {
      const text = describeTopics(this.granted, topics, effectiveFrom);
      if (text !== "") this.#on.noticed(text, "subscription");
      const changed = topics.filter(({ topic, granted }) => this.granted.get(topic) === !granted);
      this.#grant(topics);
      const grants = describeChange(changed);
      if (grants !== "") this.#on.noticed(grants, "subscription");
    },
    session: ({ expiresAt }) => (this.expiresAt = Date.parse(expiresAt)),
    gap: ({ reason }) => this.#on.noticed(`events may be missing here: ${GAP[reason] ?? reason}`, "gap"),
    reset: ({ reason }) => this.#on.noticed(`the stream began anew here: ${RESET[reason] ?? reason}`, "reset"),
    degraded: ({ reason }) => this.#tell("held", HELD[reason] ?? reason),
    recovered: () => this.#tell("live", ""),
    busy: ({ reason, detail = reason }) => this.#tell("reconnecting", `not now: ${detail}`),
    bye: ({ reason }) => {
      if (reason === "replaced") return this.#begin();
      this.#tell("reconnecting", `the server said goodbye (${reason})`);
    },
    auth_error: ({ reason }) => void this.#renewOrSignOut(ENDED[reason] ?? reason),
  };

  /** An EventSource does not tell why it was refused; the same request by `fetch` does. */
  async #recover() {
    this.#leave("reconnecting", "");
    const { signal } = this.#attempt;
    try {
      const response = await fetch(this.#url(), { headers: { accept: "text/event-stream" }, signal });
      if (signal.aborted) return;
      if (response.ok) return this.#connect();
      const refusal = await refusalOf(response);
      if (signal.aborted) return;
      if (refusal.status === 401) return void this.#renewOrSignOut("Your session is over.");
      if (refusal.code === "no_topic_granted") this.granted = new Map(this.#topics.map((topic) => [topic, false]));
      this.#tell("refused", refusal.message);
    } catch {
      if (signal.aborted) return;
    }
    this.#later(RETRY_MS, () => this.#recover());
  }

  /** Another tab has copied this one with its id: this one goes on under an id of its own. */
  #begin() {
    newClientId();
    this.open(this.#topics);
  }

  /** Asks for what is wanted and not there, and the other way round, until nothing differs. */
  async #change() {
    if (this.#isChanging || this.connectionId === "") return;
    const wanted = new Set(this.#topics);
    const add = this.#topics.filter((topic) => !this.#inForce.has(topic));
    const remove = [...this.#inForce].filter((topic) => !wanted.has(topic));
    if (add.length + remove.length === 0) return;
    const { signal } = this.#attempt;
    this.#isChanging = true;
    const isDone = await this.#ask({ add, remove }, signal);
    this.#isChanging = false;
    if (signal.aborted) return;
    if (isDone) void this.#change();
    else this.#later(RETRY_MS, () => void this.#change());
  }

  /** The answer says what is in force; the stream is told the same, at the right place between its events. */
  async #ask(change, signal) {
    const url = new URL(`/v1/streams/${this.connectionId}/topics`, location.href);
    try {
      const { topics } = await callService(url, { method: "POST", body: change, signal });
      if (!signal.aborted) this.#inForce = namesOf(topics);
      return true;
    } catch (error) {
      if (error.status === 401) return await this.#renew().catch(() => false);
      if (!signal.aborted) this.#on.noticed(`the topics could not be changed: ${error.message}`, "gap");
      return false;
    }
  }

  async #renewOrSignOut(reason) {
    this.#leave("reconnecting", "renewing the session");
    const { signal } = this.#attempt;
    try {
      const renewed = !this.#renewedSinceReady && (await this.#renew());
      if (signal.aborted) return;
      this.#renewedSinceReady = renewed;
      if (renewed) return this.#connect();
      this.close();
      this.#on.signedOut(reason);
    } catch {
      if (signal.aborted) return;
      this.#tell("reconnecting", "auth does not answer");
      this.#later(RETRY_MS, () => void this.#renewOrSignOut(reason));
    }
  }

  #url() {
    const query = new URLSearchParams(this.#base.map((topic) => ["topic", topic]));
    query.set("client", clientId());
    query.set("format", "cloudevents");
    query.set("events", "message");
    query.set("from", this.#from);
    if (this.lastEventId !== "") query.set("lastEventId", this.lastEventId);
    return `/v1/stream?${query}`;
  }

  #grant(topics) {
    this.granted = new Map(topics.map(({ topic, granted }) => [topic, granted]));
    this.#inForce = namesOf(topics);
  }

  /** Gives up the present connection and whatever was about to happen for it. */
  #leave(state, detail) {
    this.#attempt.abort();
    this.#attempt = new AbortController();
    this.connectionId = "";
    this.expiresAt = undefined;
    this.#tell(state, detail);
  }

  #later(ms, act) {
    const timer = setTimeout(() => act(), ms);
    this.#attempt.signal.addEventListener("abort", () => clearTimeout(timer));
  }

  #tell(state, detail) {
    this.state = state;
    this.detail = detail;
    this.#on.changed();
  }
}

function namesOf(topics) {
  return new Set(topics.map(({ topic }) => topic));
}

/** What was added and removed; nothing where only grants have changed. */
function describeTopics(before, topics, effectiveFrom) {
  const now = namesOf(topics);
  const added = [...now].filter((topic) => !before.has(topic)).join(", ");
  const removed = [...before.keys()].filter((topic) => !now.has(topic)).join(", ");
  const texts = [added && `added: ${added}`, removed && `removed: ${removed}`].filter(Boolean);
  return texts.length === 0 ? "" : `${texts.join("; ")}, from ${effectiveFrom} on`;
}

function describeChange(topics) {
  const named = (wanted) => topics.filter(({ granted }) => granted === wanted).map(({ topic }) => topic);
  const [granted, taken] = [named(true).join(", "), named(false).join(", ")];
  return [granted && `granted now: ${granted}`, taken && `no longer granted: ${taken}`].filter(Boolean).join("; ");
}
