import type { Command } from "commander";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { serverOptionsSchema, withServerOptions } from "../policy/policy-server.ts";
import { createCommand, readOptions, type Terminal } from "../shared/command.ts";
import { explainCommand as policyExplainCommand } from "./policy/explain.ts";

const optionsSchema = serverOptionsSchema.extend({ tenant: nameSchema });

/** `sluice explain`: the question that is asked most, in fewer words than `sluice policy explain`. */
export function explainCommand(terminal: Terminal): Command {
  const command = createCommand("explain", {
    summary: "tell why somebody got an event, or did not",
    description: `Tells why somebody got an event, or did not, by the policy in force when it was published and by the one in force now. It is policy explain with --event, which can be asked more: what somebody may do, by which roles, by a file.`,
    examples: [`npx sluice explain alice "$EVENT" --tenant demo   # EVENT: an id that tail prints`],
  })
    .argument("<subject>", "the person, as the token's sub names them")
    .argument("<event>", "the event's id")
    .requiredOption("--tenant <name>", "the tenant of both");
  return withServerOptions(command).action(async (subject: string, event: string, given: unknown) => {
    const { tenant, url, tokenFile } = readOptions(optionsSchema, given);
    const server = [
      ...(url === undefined ? [] : ["--url", url]),
      ...(tokenFile === undefined ? [] : ["--token-file", tokenFile]),
    ];
    const words = ["--tenant", tenant, "--event", event, ...server, "--", subject];
    await policyExplainCommand(terminal).exitOverride().parseAsync(words, { from: "user" });
  });
}
