import { byId, element } from "./element.js";

const MAX_ROWS = 200;
/** So many of the newest events are shown again after the page was loaded again. */
const REMEMBERED = 50;
/** A row shows so much of a payload without a title, and an open one so much of any. */
const EXCERPT = 160;
const MAX_PAYLOAD = 100_000;

/** What a delivery can be about, and how such a thing is called; GitHub names them differently from event to event. */
const SUBJECTS =
  "issue pull_request discussion release security_advisory alert head_commit workflow_run workflow_job check_run label milestone project package team deployment".split(
    " ",
  );
const TITLES = "title summary message name tag_name task ref description".split(" ");

/**
 * The newest events first, with the stream's own notices at their place between them. Rows are built once per frame of the
 * screen, and only those that can be seen: a burst costs no more than the list is long.
 */
export class EventList {
  /** How many events came, shown or not. */
  received = 0;
  #list = byId("events");
  #pending = [];
  /** The times of the newest events, the oldest first. */
  #times = [];
  #isPaused = false;
  #isScheduled = false;

  constructor() {
    byId("pause").addEventListener("click", () => this.#togglePause());
    byId("clear").addEventListener("click", () => this.clear());
  }

  /** Adds an event, a CloudEvents envelope. */
  add(event, id) {
    this.received += 1;
    this.#times.push(event.time);
    if (this.#times.length > REMEMBERED) this.#times.shift();
    this.#push(() => eventRow(event, id));
  }

  /** Adds a notice of the stream. */
  note(text, kind) {
    const row = noticeRow(text, kind);
    this.#push(() => row);
  }

  /** The time of the oldest of the newest 50 events, in RFC 3339; undefined where none came. */
  get shownSince() {
    return this.#times[0];
  }

  clear() {
    this.#times = [];
    this.#pending = [];
    this.#list.replaceChildren();
  }

  #push(buildRow) {
    this.#pending.push(buildRow);
    if (this.#pending.length > MAX_ROWS) this.#pending.shift();
    this.#schedule();
  }

  #schedule() {
    if (this.#isPaused || this.#isScheduled) return;
    this.#isScheduled = true;
    requestAnimationFrame(() => this.#flush());
  }

  #flush() {
    this.#isScheduled = false;
    if (this.#isPaused) return;
    const rows = this.#pending.map((buildRow) => buildRow()).toReversed();
    this.#pending = [];
    this.#list.prepend(...rows);
    while (this.#list.childElementCount > MAX_ROWS) this.#list.lastElementChild.remove();
  }

  #togglePause() {
    this.#isPaused = !this.#isPaused;
    byId("pause").setAttribute("aria-pressed", String(this.#isPaused));
    this.#schedule();
  }
}

/** A row that opens; what is in it is made when it does. */
function eventRow(event, id) {
  const { type, subject, time, data } = event;
  const details = element("details", {}, [
    element("summary", {}, [
      element("span", { className: "type", textContent: type, title: subject }),
      element("span", { className: "what" }, [
        element("span", { className: "title", textContent: titleOf(data) }),
        element("span", { className: "origin", textContent: originOf(data) }),
      ]),
      element("time", { dateTime: time, textContent: clockTime(new Date(time)) }),
    ]),
  ]);
  details.addEventListener("toggle", () => details.append(...insideOf(event, id)), { once: true });
  const row = element("li", { className: "event", data: { id, topic: subject } }, [details]);
  row.style.setProperty("--hue", hueOf(type));
  return row;
}

function insideOf({ subject, data }, id) {
  const copy = element("button", { type: "button", textContent: "Copy id" });
  copy.addEventListener("click", () =>
    navigator.clipboard.writeText(id).then(
      () => (copy.textContent = "Copied"),
      () => (copy.textContent = "Select it by hand"),
    ),
  );
  const text = typeof data === "string" ? data : JSON.stringify(data, null, 2);
  const cut = text.length > MAX_PAYLOAD ? `${text.slice(0, MAX_PAYLOAD)}\n… ${text.length} characters in all` : text;
  return [
    element("p", { className: "ids" }, [
      element("code", { textContent: id }),
      copy,
      element("code", { textContent: subject }),
    ]),
    element("pre", { textContent: cut, tabIndex: 0 }),
  ];
}

function noticeRow(text, kind) {
  const now = new Date();
  return element("li", { className: "note", data: { kind } }, [
    element("span", { textContent: text }),
    element("time", { dateTime: now.toISOString(), textContent: clockTime(now) }),
  ]);
}

function clockTime(date) {
  return date.toLocaleTimeString("en-GB");
}

/** The words a person would look for first. Nothing is known of a payload: it may be any JSON, or text. */
function titleOf(payload) {
  const about = SUBJECTS.map((name) => payload?.[name]).find((subject) => subject instanceof Object) ?? payload;
  const title = TITLES.map((name) => about?.[name]).find(isText);
  if (title !== undefined || originOf(payload) !== "") return title ?? "";
  const text = isText(payload) ? payload : (JSON.stringify(payload) ?? "");
  return text.length > EXCERPT ? `${text.slice(0, EXCERPT)} …` : text;
}

function originOf(payload) {
  const { repository, organization, sender } = payload ?? {};
  return [repository?.full_name ?? organization?.login, sender?.login].filter(isText).join(" · ");
}

function isText(value) {
  return typeof value === "string" && value !== "";
}

/** A colour for each resource, far from those of similar names. */
function hueOf(type) {
  const resource = type.slice(0, type.indexOf("."));
  return [...resource].reduce((hue, letter) => (hue * 31 + letter.codePointAt(0) * 137) % 360, 0);
}
