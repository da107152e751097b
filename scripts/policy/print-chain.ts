import { z } from "zod";
import type { Terminal } from "../shared/command.ts";

const findingSchema = z.looseObject({ answer: z.enum(["yes", "no", "unknown"]), evidence: z.array(z.string()) });

const callSchema = z.object({ method: z.string(), path: z.string(), body: z.union([z.string(), z.looseObject({})]) });

/** What stands between an event and a person, as policy tells it. */
export const chainSchema = z.looseObject({
  subject: z.string(),
  event: z.looseObject({
    state: z.string(),
    because: z.string().optional(),
    topic: z.string().optional(),
    sequence: z.int().optional(),
    storedAt: z.string().optional(),
  }),
  chain: z.array(findingSchema.extend({ link: z.string(), title: z.string(), now: findingSchema })),
  firstNo: z.string().nullable(),
  suggestion: z
    .looseObject({
      kind: z.string(),
      text: z.string(),
      call: callSchema.nullable(),
      effects: z.array(z.object({ who: z.array(z.string()), gains: z.array(z.string()), loses: z.array(z.string()) })),
      more: z.int(),
    })
    .optional(),
  masked: z.object({ whenPublished: z.array(z.string()).nullable(), now: z.array(z.string()).nullable() }),
});

type Chain = z.infer<typeof chainSchema>;

/** Wide enough for `unknown` and for the name of each link. */
const COLUMNS = [9, 11] as const;

/** Prints the event, a line or more for each link, and what would mend the first no. */
export function printChain({ subject, event, chain, firstNo, suggestion }: Chain, say: Terminal["say"]): void {
  const { state, because, topic, sequence, storedAt } = event;
  say(because === undefined ? `event: ${topic ?? ""}, at ${sequence} since ${storedAt}` : `${state}: ${because}`);
  for (const { link, answer, evidence, now } of chain) {
    const indent = " ".repeat(COLUMNS[0] + COLUMNS[1]);
    const [first = "", ...more] = evidence;
    say(answer.padEnd(COLUMNS[0]) + link.padEnd(COLUMNS[1]) + first);
    for (const sentence of more) say(indent + sentence);
    if (now.answer !== answer) say(`${indent}Now: ${now.answer}. ${now.evidence.join(" ")}`);
  }
  say(verdictOf(chain, subject, firstNo));
  if (suggestion !== undefined) printSuggestion(suggestion, say);
}

function verdictOf(chain: Chain["chain"], subject: string, firstNo: string | null): string {
  if (firstNo !== null) return `the first no: ${firstNo}`;
  const unknown = chain.filter(({ answer }) => answer === "unknown").map(({ link }) => link);
  return unknown.length === 0 ? `${subject} got it` : `nothing speaks against it; unknown: ${unknown.join(", ")}`;
}

function printSuggestion({ text, call, effects, more }: NonNullable<Chain["suggestion"]>, say: Terminal["say"]): void {
  say(`to mend it: ${text}`);
  if (call !== null) {
    const body = typeof call.body === "string" ? "(the changed document, see --json)" : JSON.stringify(call.body);
    say(`  ${call.method} ${call.path} ${body}`);
  }
  for (const { who, gains, loses } of effects) {
    const changes = [...gains.map((rule) => `gain ${rule}`), ...loses.map((rule) => `lose ${rule}`)];
    say(`  ${who.join(", ")}: ${changes.join("; ")}`);
  }
  if (more > 0) say(`  and ${more} more`);
}
