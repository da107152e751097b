import type { Command } from "commander";
import { z } from "zod";
import { explain } from "../../../services/policy/decide/explain.ts";
import { OWN_ISSUER } from "../../../services/policy/decide/failed-cases.ts";
import { trustedSubject } from "../../../services/policy/decide/trusted-subject.ts";
import { caseSchema } from "../../../services/policy/document/case-schema.ts";
import {
  openPolicyServer,
  type PolicyServer,
  serverOptionsSchema,
  withServerOptions,
} from "../../policy/policy-server.ts";
import { compileFile, readDocumentFile } from "../../policy/read-document-file.ts";
import { explainEvent } from "../../policy/explain-event.ts";
import { harmless } from "../../events/print-event.ts";
import { explanationSchema, heldSchema, printExplanation, printHeld } from "../../policy/print-explanation.ts";
import { collect, createCommand, readOptions, splitPair, type Terminal } from "../../shared/command.ts";
import { UsageError } from "../../shared/run-script.ts";

const word = z.string().optional();
const words = z.array(z.string()).optional();
const optionsSchema = serverOptionsSchema.extend({
  tenant: word,
  file: word,
  permission: word,
  topic: word,
  publish: word,
  attribute: words,
  method: word,
  path: word,
  event: word,
  sequence: word,
  at: word,
  role: words,
  group: words,
  issuer: word,
});
type Options = z.infer<typeof optionsSchema>;

const serverExplanationSchema = explanationSchema.extend({ holds: heldSchema });

/** `sluice policy explain`: tells why somebody may or may not. */
export function explainCommand(terminal: Terminal): Command {
  const command = createCommand("explain", {
    summary: "tell why somebody may or may not, or did not get an event",
    description: `Tells whether somebody may, by which rule, and what every rule that was looked at says to it. Ask for one thing: a permission, a topic, a topic to publish, a request (method and path), or an event.

With --tenant a server is asked about the policy in force, and auth which roles and groups the person has now, unless --role or --group say it. With --file no server is asked: what was bound over HTTP does not count, and roles and groups are those of --role and --group.`,
    examples: [
      "npx sluice policy explain alice --file infra/policies/demo.yaml --topic push.event.Hello-World",
      "npx sluice policy explain alice --tenant demo --permission issues:read",
    ],
  })
    .argument("<subject>", "the person, as the token's sub names them")
    .option("--tenant <name>", "by the policy in force in this tenant")
    .option("--file <file>", "by this document")
    .option("--permission <p>", "such as order:read: on every event")
    .option("--topic <t>", "such as order.created.42: may they see such an event")
    .option("--publish <t>", "such as order.created.42: may they publish such an event over HTTP")
    .option(
      "--attribute <name=value>",
      "what the event of --topic or --publish says of itself, such as region=eu; repeatable",
      collect,
    )
    .option("--method <m>", "with --path, such as GET: may they make such a request")
    .option("--path <p>", "with --method, such as /api/v1/orders/42")
    .option("--event <id>", "an event's id: why did they, or did they not, receive it; needs --tenant")
    .option("--sequence <n>", "instead of --event: its place in the tenant's log")
    .option("--at <time>", "with --topic: an event of this topic from about then, such as 2026-01-31T12:00:00Z")
    .option("--role <role>", "a role they have, instead of those that auth gives them; repeatable", collect)
    .option("--group <group>", "a group they are in, instead of those that auth puts them in; repeatable", collect)
    .option("--issuer <iss>", "who issued their token, where it is not auth; auth is not asked then");
  return withServerOptions(command).action((subject: string, given: unknown) =>
    explainSubject(subject, readOptions(optionsSchema, given), terminal),
  );
}

async function explainSubject(subject: string, options: Options, terminal: Terminal): Promise<void> {
  const { tenant, file, event, sequence, at } = options;
  if ((tenant === undefined) === (file === undefined)) throw new UsageError("name either a tenant or a file");
  if ((event ?? sequence ?? at) !== undefined) {
    const name = event !== undefined ? "--event" : sequence !== undefined ? "--sequence" : "--at";
    if (tenant === undefined) throw new UsageError(`${name} needs a tenant`);
    return explainEvent(await openPolicyServer(options, terminal.env), tenant, subject, options, terminal);
  }
  const question = questionOf(subject, options);
  if (file !== undefined) return explainByFile(file, question, terminal);
  const server = await openPolicyServer(options, terminal.env);
  await explainByServer(server, `/v1/tenants/${encodeURIComponent(tenant ?? "")}/explain`, question, terminal);
}

/** The question as policy takes it, looked at here first: whatever is wrong with it is wrong with the command line. */
function questionOf(subject: string, options: Options): object {
  const { permission, topic, publish, attribute, method, path, role: roles, group: groups, issuer } = options;
  const attributes =
    attribute && Object.fromEntries(attribute.map((each) => splitPair(each, "--attribute takes <name>=<value>")));
  const question = { subject, roles, groups, issuer, permission, topic, publish, attributes, method, path };
  const { error } = caseSchema.safeParse({ ...question, expect: "allow" });
  const [issue] = error?.issues ?? [];
  if (issue === undefined) return question;
  throw new UsageError(`${issue.path.length === 0 ? "you" : String(issue.path[0])} ${issue.message}`);
}

async function explainByFile(path: string, asked: object, { print, say }: Terminal): Promise<void> {
  const snapshot = compileFile(await readDocumentFile(path, undefined));
  const { subject: claimed, question } = caseSchema.parse({ ...asked, expect: "allow" });
  const subject = trustedSubject(snapshot, claimed, OWN_ISSUER);
  const explanation = explanationSchema.parse(explain(snapshot, subject, question, Date.now()));
  print(explanation, () => printExplanation(explanation, say));
}

async function explainByServer(server: PolicyServer, path: string, asked: object, { print, say }: Terminal) {
  const body = JSON.stringify(asked);
  const { holds, ...explanation } = await server.call({ method: "POST", path, body }, serverExplanationSchema);
  const show = (line: string): void => say(harmless(line));
  print({ holds, ...explanation }, () => {
    printHeld(holds, show);
    printExplanation(explanation, show);
  });
}
