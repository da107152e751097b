import { z } from "zod";
import { MAX_ROLES } from "./document-schema.ts";
import { inheritanceGroups } from "./inheritance.ts";
import { isRoutePath, isRouteTopic } from "./route-path.ts";

/** A fault that shows only when two places of a document are compared. */
export interface CrossReferenceFault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

const strings = z.array(z.string().catch("")).catch([]);

/** References, read past any other fault, so that all faults of a document are reported at once. */
const referencesSchema = z.object({
  tenant: z.unknown(),
  roles: z.record(z.string(), z.object({ inherits: strings }).catch({ inherits: [] })).catch({}),
  bindings: z.array(z.object({ role: z.unknown() }).catch({ role: undefined })).catch([]),
  routes: z.array(z.object({ path: z.string(), topics: strings }).catch({ path: "", topics: [] })).catch([]),
});
type References = z.infer<typeof referencesSchema>;

/** Names of roles that are not defined, roles that inherit themselves, placeholders without a source, another's tenant. */
export function crossReferenceFaults(value: unknown, tenant: string | undefined): CrossReferenceFault[] {
  const parsed = referencesSchema.safeParse(value);
  // The search for circles goes as deep as roles inherit each other; too many are a fault of their own.
  if (!parsed.success || Object.keys(parsed.data.roles).length > MAX_ROLES) return [];
  const references = parsed.data;
  return [
    ...tenantFaults(references, tenant),
    ...inheritanceFaults(references),
    ...bindingFaults(references),
    ...routeFaults(references),
  ];
}

function tenantFaults(references: References, tenant: string | undefined): CrossReferenceFault[] {
  if (tenant === undefined || typeof references.tenant !== "string" || references.tenant === tenant) return [];
  return [{ path: ["tenant"], message: `this is the document of tenant "${tenant}", not of "${references.tenant}"` }];
}

function inheritanceFaults({ roles }: References): CrossReferenceFault[] {
  const parentsOf = new Map(Object.entries(roles).map(([name, role]) => [name, role.inherits]));
  const unknown = [...parentsOf].flatMap(([name, parents]) =>
    parents.flatMap((parent, index) =>
      parentsOf.has(parent) || parent === ""
        ? []
        : [{ path: ["roles", name, "inherits", index], message: `there is no role "${parent}"` }],
    ),
  );
  const circles = inheritanceGroups(parentsOf).filter(
    ([first = "", ...others]) => others.length > 0 || parentsOf.get(first)?.includes(first) === true,
  );
  const cyclic = circles
    .flat()
    .map((name) => ({ path: ["roles", name, "inherits"], message: `role "${name}" inherits itself` }));
  return [...unknown, ...cyclic];
}

function bindingFaults({ roles, bindings }: References): CrossReferenceFault[] {
  return bindings.flatMap(({ role }, index) =>
    typeof role !== "string" || Object.hasOwn(roles, role)
      ? []
      : [{ path: ["bindings", index, "role"], message: `there is no role "${role}"` }],
  );
}

function routeFaults({ routes }: References): CrossReferenceFault[] {
  return routes.flatMap(({ path, topics }, route) =>
    topics.flatMap((topic, index) =>
      !isRoutePath(path) || isRouteTopic(topic, path)
        ? []
        : [
            {
              path: ["routes", route, "topics", index],
              message:
                "must be a topic pattern; a token may be a placeholder of the path for one segment, such as order.*.{id}",
            },
          ],
    ),
  );
}
