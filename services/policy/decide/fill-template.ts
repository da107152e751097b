/** A topic template with the tenant's id filled in, which no two decisions of a tenant differ in. */
export function fillTenant(template: string, tenant: string): string {
  return fill(template, "{tenant}", tenant);
}

/**
 * The topic pattern of a rule with the subject's name filled in. Without a name, a rule that asks for it allows nothing
 * (undefined), and denies whatever name could stand there.
 */
export function fillSub(template: string, effect: "allow" | "deny", sub: string | undefined): string | undefined {
  if (!template.includes("{sub}")) return template;
  if (sub === undefined && effect === "allow") return undefined;
  return fill(template, "{sub}", sub ?? "*");
}

function fill(template: string, placeholder: string, value: string): string {
  return template
    .split(".")
    .map((token) => (token === placeholder ? value : token))
    .join(".");
}
