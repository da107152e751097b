import { z } from "zod";
import { explain } from "../../services/policy/decide/explain.ts";
import { OWN_ISSUER } from "../../services/policy/decide/failed-cases.ts";
import { trustedSubject } from "../../services/policy/decide/trusted-subject.ts";
import { caseSchema } from "../../services/policy/document/case-schema.ts";
import { misused, parseCommandLine, type PolicyCommand, type Terminal } from "./policy-command.ts";
import { openPolicyServer, type PolicyServer, SERVER_OPTIONS, SERVER_USAGE } from "./policy-server.ts";
import { compileFile, readDocumentFile } from "./read-document-file.ts";
import { explanationSchema, tellExplanation } from "./tell-explanation.ts";

const usage = `usage: npm run policy -- explain <subject> (--tenant <name> | --file <file>)
         (--permission <p> | --topic <t> [--attribute <name>=<value>]… | --method <m> --path <p> | --event <id>)
         [--role <role>]… [--group <group>]… [--issuer <iss>] [--url <url>] [--token-file <file>]

Tells whether somebody may, by which rule, and what every rule that was looked at says to it. A server is asked about the
policy in force; with --file no server is asked, and what was bound over HTTP does not count.

  --permission <p>     such as order:read: on every event
  --topic <t>          such as order.created.42: may they see such an event; --attribute region=eu is what it says of itself
  --method, --path     such as GET /api/v1/orders/42: may they make such a request
  --event <id>         an event's id: why did they, or did they not, receive it
  --role, --group      a role or a group that their token names
  --issuer <iss>       who issued that token, where it is not auth
${SERVER_USAGE}`;

const options = {
  tenant: { type: "string" },
  file: { type: "string" },
  permission: { type: "string" },
  topic: { type: "string" },
  attribute: { type: "string", multiple: true },
  method: { type: "string" },
  path: { type: "string" },
  event: { type: "string" },
  role: { type: "string", multiple: true },
  group: { type: "string", multiple: true },
  issuer: { type: "string" },
  ...SERVER_OPTIONS,
} as const;
type Values = ReturnType<typeof parseCommandLine<typeof options>>["values"];

const eventSchema = z.object({
  event: z.looseObject({ state: z.string(), topic: z.string().optional(), because: z.string().optional() }),
  whenPublished: z.union([explanationSchema, z.object({ unknown: z.string() })]).optional(),
  now: explanationSchema.optional(),
});

/** Tells why somebody may or may not. */
export const explainCommand: PolicyCommand = {
  summary: "tell why somebody may or may not, or did not get an event",
  usage,
  async run(args, { env, say }) {
    const { values, positionals } = parseCommandLine(args, options, usage);
    const [subject, ...more] = positionals;
    if (subject === undefined || more.length > 0) throw misused("name the subject", usage);
    if ((values.tenant === undefined) === (values.file === undefined)) {
      throw misused("name either a tenant or a file", usage);
    }
    if (values.event !== undefined && values.tenant === undefined) throw misused("--event needs a tenant", usage);
    const question = values.event === undefined ? questionOf(subject, values) : undefined;
    if (values.file !== undefined && question !== undefined) await explainByFile(values.file, question, say);
    else {
      const server = await openPolicyServer(values, { env });
      const path = `/v1/tenants/${encodeURIComponent(values.tenant ?? "")}/explain`;
      if (question === undefined) await explainEvent(server, path, subject, values, say);
      else await explainByServer(server, path, question, say);
    }
    return 0;
  },
};

/** The question as policy takes it, looked at here first: whatever is wrong with it is wrong with the command line. */
function questionOf(subject: string, values: Values): object {
  const { permission, topic, attribute, method, path, role: roles, group: groups, issuer } = values;
  const attributes = attribute && Object.fromEntries(attribute.map(attributeOf));
  const question = { subject, roles, groups, issuer, permission, topic, attributes, method, path };
  const { error } = caseSchema.safeParse({ ...question, expect: "allow" });
  const [issue] = error?.issues ?? [];
  if (issue === undefined) return question;
  throw misused(`${issue.path.length === 0 ? "you" : String(issue.path[0])} ${issue.message}`, usage);
}

function attributeOf(text: string): [name: string, value: string] {
  const [name = "", ...value] = text.split("=");
  if (name === "" || value.length === 0) throw misused("--attribute takes <name>=<value>", usage);
  return [name, value.join("=")];
}

async function explainByFile(path: string, asked: object, say: Terminal["say"]): Promise<void> {
  const snapshot = compileFile(await readDocumentFile(path, undefined));
  const { subject: claimed, question } = caseSchema.parse({ ...asked, expect: "allow" });
  const subject = trustedSubject(snapshot, claimed, OWN_ISSUER);
  tellExplanation(explanationSchema.parse(explain(snapshot, subject, question, Date.now())), say);
}

async function explainByServer(server: PolicyServer, path: string, asked: object, say: Terminal["say"]) {
  const body = JSON.stringify(asked);
  tellExplanation(await server.call({ method: "POST", path, body }, explanationSchema), say);
}

async function explainEvent(
  server: PolicyServer,
  path: string,
  subject: string,
  { event: id = "", role: roles = [], group: groups = [], issuer }: Values,
  say: Terminal["say"],
): Promise<void> {
  const query = new URLSearchParams({ subject, event: id, roles: roles.join(), groups: groups.join() });
  if (issuer !== undefined) query.set("issuer", issuer);
  const request = { method: "GET", path: `${path}?${query.toString()}` } as const;
  const { event, whenPublished, now } = await server.call(request, eventSchema);
  say(event.because === undefined ? `event: ${event.topic ?? event.state}` : `${event.state}: ${event.because}`);
  if (whenPublished !== undefined) {
    say("when it was published:");
    if ("unknown" in whenPublished) say(whenPublished.unknown);
    else tellExplanation(whenPublished, say);
  }
  if (now === undefined) return;
  say("now:");
  tellExplanation(now, say);
}
