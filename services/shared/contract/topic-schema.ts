import { z } from "zod";

const TOKEN = "(?:[A-Za-z0-9_-]|%[0-9A-F]{2})+";

/** The text of a topic, for documents: who reads it checks it by the protocol's own rules, and has words for what is wrong. */
export const topicTextSchema = z.string().meta({ pattern: `^${TOKEN}(?:\\.${TOKEN}){1,7}$` });

/** The text of a topic pattern, in the same way. */
export const patternTextSchema = z.string().meta({
  pattern: `^(?:>|(?:(?:${TOKEN}|\\*)\\.){1,7}(?:${TOKEN}|[*>]))$`,
});
