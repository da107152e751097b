import { z } from "zod";
import type { Terminal } from "../shared/command.ts";

const ruleSchema = z.object({ role: z.string(), effect: z.string(), rule: z.string() });

/** Why policy allows or denies a request. */
export const explanationSchema = z.object({
  version: z.int().optional(),
  allow: z.boolean(),
  permission: z.string().nullable(),
  topic: z.string().nullable(),
  rule: ruleSchema.nullable(),
  because: z.string(),
  roles: z.array(z.object({ role: z.string(), via: z.array(z.string()) })),
  considered: z.array(ruleSchema.extend({ holds: z.boolean(), because: z.string() })),
});

/** The roles and groups that policy answered by, and whose word they are. */
export const heldSchema = z.object({
  from: z.enum(["request", "auth", "nobody"]),
  roles: z.array(z.string()),
  groups: z.array(z.string()),
});

const whoSays = {
  request: "you said",
  auth: "auth says now",
  nobody: "auth knows nobody of this name",
} as const;

/** Prints what the subject was taken to hold. */
export function printHeld({ from, roles, groups }: z.infer<typeof heldSchema>, say: Terminal["say"]): void {
  const [held, member] = [roles, groups].map((names) => (names.length === 0 ? "none" : names.join(", ")));
  say(`${whoSays[from]}: roles ${held}; groups ${member}`);
}

/** The fields of an explanation that a command prints. */
export type PrintedExplanation = z.infer<typeof explanationSchema>;

/** Prints the decision, the source of each role, and every rule that policy considered. */
export function printExplanation(explanation: PrintedExplanation, say: Terminal["say"]): void {
  const { version, allow, permission, topic, rule, because, roles, considered } = explanation;
  const by = version === undefined ? "" : ` by version ${version}`;
  const winner = rule === null ? because : `role ${rule.role} says ${rule.effect} ${rule.rule}: ${because}`;
  say(`${allow ? "allowed" : "denied"}${by}: ${winner}`);
  if (permission !== null) say(`asked: ${permission}${topic === null ? " on every event" : ` on ${topic}`}`);
  for (const { role, via } of roles) say(`role ${role}: ${via.join("; ")}`);
  for (const each of considered) {
    say(`${each.holds ? "holds" : "does not hold"}: ${each.role}: ${each.effect} ${each.rule}: ${each.because}`);
  }
}
