import { z } from "zod";
import { harmless } from "../events/print-event.ts";
import type { Terminal } from "../shared/command.ts";
import { UsageError } from "../shared/run-script.ts";
import type { PolicyServer } from "./policy-server.ts";
import { chainSchema, printChain } from "./print-chain.ts";
import { explanationSchema, heldSchema, printExplanation, printHeld } from "./print-explanation.ts";

const answerSchema = chainSchema.extend({
  whenPublished: z.union([explanationSchema.loose(), z.object({ unknown: z.string() })]).optional(),
  now: explanationSchema.loose().optional(),
  holds: heldSchema,
});

/** Which event, and whose roles and groups instead of those of now. */
export interface EventOptions {
  readonly event?: string | undefined;
  readonly sequence?: string | undefined;
  readonly topic?: string | undefined;
  readonly at?: string | undefined;
  readonly role?: readonly string[] | undefined;
  readonly group?: readonly string[] | undefined;
  readonly issuer?: string | undefined;
}

/**
 * Asks policy why somebody did or did not get an event, and prints the chain and both decisions.
 * @throws {UsageError} where not exactly one event is named.
 */
export async function explainEvent(
  server: PolicyServer,
  tenant: string,
  subject: string,
  options: EventOptions,
  { print, say }: Terminal,
): Promise<void> {
  const { event, sequence, topic, at, role: roles, group: groups, issuer } = options;
  const given = [event, sequence, topic].filter((each) => each !== undefined);
  if (given.length !== 1 || (topic === undefined) !== (at === undefined))
    throw new UsageError("name one event: its id, its --sequence, or its --topic with --at");
  const query = new URLSearchParams({ subject });
  for (const [name, value] of Object.entries({ event, sequence, topic, at, issuer }))
    if (value !== undefined) query.set(name, value);
  for (const [name, names] of Object.entries({ role: roles, group: groups }))
    for (const each of names?.length === 0 ? [""] : (names ?? [])) query.append(name, each);
  const path = `/v1/tenants/${encodeURIComponent(tenant)}/explain?${query.toString()}`;
  const answer = await server.call({ method: "GET", path }, answerSchema);
  // Names are free text, and topics what a producer wrote.
  print(answer, () => printAnswer(answer, (line) => say(harmless(line))));
}

function printAnswer(answer: z.infer<typeof answerSchema>, say: Terminal["say"]): void {
  const { holds, whenPublished, now } = answer;
  printHeld(holds, say);
  printChain(answer, say);
  if (whenPublished !== undefined) {
    say("when it was published:");
    if ("unknown" in whenPublished) say(String(whenPublished.unknown));
    else printExplanation(whenPublished, say);
  }
  if (now === undefined) return;
  say("now:");
  printExplanation(now, say);
}
