import type { Scope } from "#shared/protocol/scope.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { ClaimedSubject } from "../decide/trusted-subject.ts";
import type { FindRights, Rights } from "#shared/tokens/session-rights.ts";

/** A subject as somebody asks about it: the roles and groups that are not given are those it has now. */
export interface AskedSubject {
  readonly id: string;
  readonly roles?: readonly string[] | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly issuer?: string | undefined;
  readonly attributes?: ClaimedSubject["attributes"];
  readonly scope: Scope | undefined;
}

/** The roles and groups that a question was answered by, and whose word they are. */
export interface HeldRights extends Rights {
  /** `request` where the caller gave them; `auth` where auth did; `nobody` where there was nobody to ask. */
  readonly from: "request" | "auth" | "nobody";
}

/**
 * The subject of a question, with the roles and groups it is answered by. Given ones count as they are. Otherwise auth says
 * which ones the person has now; the people of an outside issuer it does not know.
 * @throws {AppError} `unavailable` when auth does not answer: a guess might say the opposite of what happens.
 */
export async function heldRights(
  { find, ownIssuer }: { readonly find: FindRights; readonly ownIssuer: string },
  tenant: string,
  { id, roles, groups, issuer, attributes, scope }: AskedSubject,
): Promise<{ readonly subject: ClaimedSubject; readonly held: HeldRights }> {
  const isGiven = roles !== undefined || groups !== undefined;
  const isOutside = issuer !== undefined && issuer !== ownIssuer;
  const known = isGiven || isOutside ? undefined : await findOrSay(find, tenant, id);
  const rights = known ?? { roles: roles ?? [], groups: groups ?? [] };
  const from = isGiven ? "request" : known === undefined ? "nobody" : "auth";
  return {
    subject: { id, ...rights, issuer, attributes, scope },
    held: { from, roles: rights.roles, groups: rights.groups },
  };
}

async function findOrSay(find: FindRights, tenant: string, id: string): Promise<Rights | undefined> {
  try {
    return await find(tenant, id);
  } catch (error) {
    const advice = "give roles or groups to ask without auth, empty ones for none";
    const message = `auth does not answer, so the roles and groups that ${id} has now are not known; ${advice}`;
    throw new AppError("unavailable", message, { cause: error });
  }
}
