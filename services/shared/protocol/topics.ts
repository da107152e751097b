import { decodeName } from "./encode-name.ts";

/**
 * A topic is the part of an event's subject after the tenant, `order.created.42`; its first two tokens are the event
 * type, `order.created`. A pattern is a topic with the wildcards of NATS: `*` is one token, a last `>` is one or more.
 */
const TOPIC_TOKENS = { min: 2, max: 8 } as const;

/**
 * The longest topic or pattern. A NATS server takes 4 096 bytes for a command with its subject, so that 4 046 were measured to
 * be left for the subject of a publish into JetStream; the rest is for the tenant and for longer reply subjects.
 */
const MAX_TOPIC_CHARACTERS = 3_072;

/** Most patterns are short, with nothing encoded: to look at them as a whole takes a fourth of the time of token by token. */
const SHORT_PATTERN = /^(?:(?:[A-Za-z0-9_-]+|\*)\.){1,7}(?:[A-Za-z0-9_-]+|[*>])$/;
const SHORT_CHARACTERS = 768;

/** The event type of a topic: its first two tokens. */
export function eventTypeOf(topic: string): string {
  const second = topic.indexOf(".", topic.indexOf(".") + 1);
  return second === -1 ? topic : topic.slice(0, second);
}

/** Whether `topic` is one an event may have: 2 to 8 tokens that `decodeName` takes, no wildcard, 3 072 characters in all. */
export function isTopic(topic: string): boolean {
  if (topic.length > MAX_TOPIC_CHARACTERS) return false;
  const tokens = topic.split(".");
  return tokens.length >= TOPIC_TOKENS.min && tokens.length <= TOPIC_TOKENS.max && tokens.every(isToken);
}

/** Whether `pattern` is one a topic can match: up to 8 tokens, each of a topic or `*`, the last possibly `>`. */
export function isTopicPattern(pattern: string): boolean {
  if (pattern.length <= SHORT_CHARACTERS && SHORT_PATTERN.test(pattern)) return true;
  if (pattern.length > MAX_TOPIC_CHARACTERS) return false;
  const tokens = pattern.split(".");
  if (tokens.length > TOPIC_TOKENS.max) return false;
  const last = tokens.at(-1);
  const open = last === ">";
  if (!open && tokens.length < TOPIC_TOKENS.min) return false;
  return (open ? tokens.slice(0, -1) : tokens).every((token) => token === "*" || isToken(token));
}

function isToken(token: string): boolean {
  return decodeName(token) !== undefined;
}

/** Whether `topic` (no wildcards) matches `pattern`. Walks both texts as they are: splitting takes twice as long. */
export function topicMatches(pattern: string, topic: string): boolean {
  let [inPattern, inTopic] = [0, 0];
  while (inPattern <= pattern.length && inTopic <= topic.length) {
    const patternEnd = endOfToken(pattern, inPattern);
    const topicEnd = endOfToken(topic, inTopic);
    const wildcard = patternEnd - inPattern === 1 ? pattern[inPattern] : undefined;
    if (wildcard === ">") return true;
    if (wildcard !== "*" && !isSameToken(pattern, inPattern, patternEnd, topic, inTopic, topicEnd)) return false;
    inPattern = patternEnd + 1;
    inTopic = topicEnd + 1;
  }
  return inPattern > pattern.length && inTopic > topic.length;
}

/** Where the token of a topic or a pattern ends that begins at `from`. */
export function endOfToken(text: string, from: number): number {
  const dot = text.indexOf(".", from);
  return dot === -1 ? text.length : dot;
}

function isSameToken(a: string, fromA: number, endA: number, b: string, fromB: number, endB: number): boolean {
  if (endA - fromA !== endB - fromB) return false;
  for (let index = 0; index < endA - fromA; index += 1) {
    if (a.charCodeAt(fromA + index) !== b.charCodeAt(fromB + index)) return false;
  }
  return true;
}

/** Whether some topic could match both patterns. */
export function patternsOverlap(a: string, b: string): boolean {
  const left = a.split(".");
  const right = b.split(".");
  for (let index = 0; ; index += 1) {
    const l = left[index];
    const r = right[index];
    if (l === undefined || r === undefined) return l === r;
    if (l === ">" || r === ">") return true;
    if (l !== "*" && r !== "*" && l !== r) return false;
  }
}

/** Whether every topic that matches `inner` also matches `outer`. */
export function patternCovers(outer: string, inner: string): boolean {
  const wide = outer.split(".");
  const narrow = inner.split(".");
  for (let index = 0; ; index += 1) {
    const w = wide[index];
    const n = narrow[index];
    if (w === undefined || n === undefined) return w === n;
    if (w === ">") return true;
    if (n === ">") return false;
    if (w !== "*" && w !== n) return false;
  }
}

/** The pattern of the topics that match both patterns; undefined where none does. */
export function intersectPatterns(a: string, b: string): string | undefined {
  const left = a.split(".");
  const right = b.split(".");
  const both: string[] = [];
  for (let index = 0; ; index += 1) {
    const l = left[index];
    const r = right[index];
    if (l === undefined || r === undefined) return l === r ? both.join(".") : undefined;
    if (l === ">") return [...both, ...right.slice(index)].join(".");
    if (r === ">") return [...both, ...left.slice(index)].join(".");
    if (l !== "*" && r !== "*" && l !== r) return undefined;
    both.push(l === "*" ? r : l);
  }
}
