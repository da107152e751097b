import { z } from "zod";
import { misused, parseCommandLine, type PolicyCommand } from "./policy-command.ts";
import { openPolicyServer, SERVER_OPTIONS, SERVER_USAGE } from "./policy-server.ts";

const usage = `usage: npm run policy -- explain <tenant> <subject> (--permission <p> | --topic <t> | --method <m> --path <p>)
         [--role <role>]… [--group <group>]… [--url <url>] [--token-file <file>]

Asks policy whether somebody may, and tells every rule that it looked at: its role, whether it holds, and why.

  --permission <p>     such as order:read: on whatever topic
  --topic <t>          such as order.created.42: may they see such an event
  --method, --path     such as GET /api/v1/orders/42: may they make such a request
  --role, --group      a role or a group that their token names; may be given again
${SERVER_USAGE}`;

const ruleSchema = z.object({ role: z.string(), effect: z.string(), rule: z.string() });

const explanationSchema = z.object({
  allow: z.boolean(),
  version: z.int(),
  rule: ruleSchema.nullish(),
  considered: z.array(ruleSchema.extend({ holds: z.boolean(), because: z.string() })),
});
type Explanation = z.infer<typeof explanationSchema>;

const options = {
  permission: { type: "string" },
  topic: { type: "string" },
  method: { type: "string" },
  path: { type: "string" },
  role: { type: "string", multiple: true },
  group: { type: "string", multiple: true },
  ...SERVER_OPTIONS,
} as const;

/** Asks a server why somebody may or may not. */
export const explainCommand: PolicyCommand = {
  summary: "ask policy why somebody may or may not",
  usage,
  async run(args, { env, say }) {
    const { values, positionals } = parseCommandLine(args, options, usage);
    const [tenant, subject, ...more] = positionals;
    if (tenant === undefined || subject === undefined || more.length > 0) {
      throw misused("name the tenant and the subject", usage);
    }
    const { permission, topic, method, path, role: roles, group: groups } = values;
    const asked = { permission, topic, method, path };
    if ([permission, topic, method ?? path].filter((each) => each !== undefined).length !== 1) {
      throw misused("ask for one thing: a permission, a topic, or a method and a path", usage);
    }
    const server = await openPolicyServer(values, { env });
    const body = JSON.stringify({ subject, roles, groups, ...asked });
    const target = `/v1/tenants/${encodeURIComponent(tenant)}/explain`;
    for (const line of linesOf(await server.call({ method: "POST", path: target, body }, explanationSchema))) say(line);
    return 0;
  },
};

function linesOf({ allow, version, rule, considered }: Explanation): string[] {
  const by = rule == null ? "no rule allows it" : `role ${rule.role} says ${rule.effect} ${rule.rule}`;
  return [
    `${allow ? "allowed" : "denied"} by version ${version}: ${by}`,
    ...considered.map((each) => {
      const sign = each.holds ? "x" : " ";
      return `  [${sign}] ${each.role}: ${each.effect} ${each.rule} (${each.because})`;
    }),
  ];
}
