import type { Command } from "commander";
import { z } from "zod";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { explainEvent } from "../policy/explain-event.ts";
import { openPolicyServer, serverOptionsSchema, withServerOptions } from "../policy/policy-server.ts";
import { collect, createCommand, readOptions, type Terminal } from "../shared/command.ts";

const word = z.string().optional();
const words = z.array(z.string()).optional();
const optionsSchema = serverOptionsSchema.extend({
  tenant: nameSchema,
  sequence: word,
  topic: word,
  at: word,
  role: words,
  group: words,
  issuer: word,
});

/** `sluice explain`: the question that is asked most, in fewer words than `sluice policy explain`. */
export function explainCommand(terminal: Terminal): Command {
  const command = createCommand("explain", {
    summary: "tell why somebody got an event, or did not",
    description: `Tells why somebody got an event, or did not, link by link: whether it is stored, a rule names its type, they were connected, a topic matched, their session lived, a role and a rule let it through, and whether it was delivered; each for then and, where that differs, for now. The first no is what stands between, and where one change mends it that is told. sluice policy explain can be asked more: what somebody may do, by which roles, by a file.`,
    examples: [
      `npx sluice explain alice "$EVENT" --tenant demo   # EVENT: an id that tail prints`,
      "npx sluice explain alice --tenant demo --sequence 41",
      "npx sluice explain alice --tenant demo --topic issues.opened.Hello-World --at 2026-01-31T12:00:00Z",
    ],
  })
    .argument("<subject>", "the person, as the token's sub names them")
    .argument("[event]", "the event's id")
    .requiredOption("--tenant <name>", "the tenant of both")
    .option(
      "--sequence <n>",
      "instead of the id: the event's place in the tenant's log, as whoever published it was told",
    )
    .option("--topic <t>", "instead of the id, with --at: the event's exact topic")
    .option("--at <time>", "about when it was published, within a minute")
    .option("--role <role>", "a role they have, instead of those that auth gives them; repeatable", collect)
    .option("--group <group>", "a group they are in, instead of those that auth puts them in; repeatable", collect)
    .option("--issuer <iss>", "who issued their token, where it is not auth; auth is not asked then");
  return withServerOptions(command).action(async (subject: string, event: string | undefined, given: unknown) => {
    const options = readOptions(optionsSchema, given);
    const server = await openPolicyServer(options, terminal.env);
    await explainEvent(server, options.tenant, subject, { ...options, event }, terminal);
  });
}
