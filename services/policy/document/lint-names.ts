import { groupPrincipal, subjectOf } from "#shared/contract/principal.ts";
import type { DocumentWarning } from "./fault.ts";
import { isMeant, nearNames } from "./near-name.ts";
import type { PolicyDocument } from "./policy-document.ts";

const GROUP = groupPrincipal("");

/** Roles and groups that the document knows nothing else of, and that are nearly one that it knows: in its test cases, and groups in its attributes. */
export function nameWarnings({ roles, bindings, attributes, tests }: PolicyDocument): DocumentWarning[] {
  const bound = new Set(bindings.flatMap(({ subjects }) => groupsIn(subjects)));
  const described = new Set(groupsIn([...attributes.keys()]));
  const nearGroup = nearNames(bound);
  const nearRole = nearNames(roles.keys());
  const warnings = [...described].flatMap((group): DocumentWarning[] => {
    const near = bound.has(group) ? undefined : nearGroup(group);
    if (near === undefined) return [];
    return [
      { path: ["attributes"], key: groupPrincipal(group), message: `nothing is bound to this group${isMeant(near)}` },
    ];
  });
  const cases = tests.flatMap(({ subject }, index) => {
    const unknownRoles = subject.roles.flatMap((role) => {
      const near = roles.has(role) ? undefined : nearRole(role);
      return near === undefined ? [] : [`there is no role ${role}${isMeant(near)}`];
    });
    const unknownGroups = subject.groups.flatMap((group) => {
      const near = bound.has(group) || described.has(group) ? undefined : nearGroup(group);
      return near === undefined ? [] : [`nothing is bound to the group ${group}${isMeant(near)}`];
    });
    return [...unknownRoles, ...unknownGroups].map((message) => ({ path: ["tests", index], message }));
  });
  return [...warnings, ...cases];
}

function groupsIn(principals: readonly string[]): string[] {
  return principals.filter((each) => subjectOf(each) === undefined).map((each) => each.slice(GROUP.length));
}
