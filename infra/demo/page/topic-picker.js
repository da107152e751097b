import { byId, element, showText } from "./element.js";

const COMMON = ["issues.>", "issue_comment.>", "pull_request.>", "push.>", "security_advisory.>", "star.>"];
const CHOSEN_FIRST = 5;

/** 2 to 8 tokens, each a name or `*`, the last possibly `>`; or `>` alone. */
const TOPIC_PATTERN = /^(?:>|(?:(?:[\w-]{1,64}|\*)\.){1,7}(?:[\w-]{1,64}|\*|>))$/;

/** Chips of topic patterns, and a field for more. `changed` is called when others are chosen. */
export class TopicPicker {
  #chosen = new Set(COMMON.slice(0, CHOSEN_FIRST));
  #chips = new Map();
  #changed;

  constructor(changed) {
    this.#changed = changed;
    for (const topic of COMMON) this.#addChip(topic);
    byId("topic-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  /** The chosen patterns. */
  get topics() {
    return [...this.#chosen];
  }

  /** The patterns that a tab begins with. */
  get choice() {
    return COMMON.slice(0, CHOSEN_FIRST);
  }

  /** Chooses these patterns, without a call of `changed`. */
  choose(topics) {
    for (const topic of topics) if (!this.#chips.has(topic)) this.#addChip(topic);
    this.#chosen = new Set(topics);
  }

  /** Shows what is granted, by topic; of topics that are not in the map nothing is known. */
  showGranted(granted) {
    for (const [topic, { chip, verdict }] of this.#chips) {
      const isGranted = granted.get(topic);
      chip.setAttribute("aria-pressed", String(this.#chosen.has(topic)));
      chip.dataset.granted = isGranted === undefined ? "unknown" : isGranted ? "yes" : "no";
      verdict.textContent = isGranted === undefined ? "" : isGranted ? "granted" : "locked";
      chip.title = isGranted === false ? "Your roles do not show you this. It comes alive as soon as they do." : "";
    }
  }

  #addChip(topic) {
    const verdict = element("span", { className: "verdict" });
    const name = element("span", { textContent: topic });
    const chip = element("button", { type: "button", className: "chip", data: { topic } }, [name, " ", verdict]);
    chip.addEventListener("click", () => this.#toggle(topic));
    this.#chips.set(topic, { chip, verdict });
    byId("topics").append(element("li", {}, [chip]));
  }

  #toggle(topic) {
    if (!this.#chosen.delete(topic)) this.#chosen.add(topic);
    this.#changed();
  }

  #submit() {
    const field = byId("topic");
    const topic = field.value.trim();
    const isPattern = TOPIC_PATTERN.test(topic);
    field.setAttribute("aria-invalid", String(!isPattern));
    showText(byId("topic-error"), isPattern ? "" : "2 to 8 names or * between dots, > at the end for the rest");
    if (!isPattern) return;
    field.value = "";
    if (!this.#chips.has(topic)) this.#addChip(topic);
    this.#chosen.add(topic);
    this.#changed();
  }
}
