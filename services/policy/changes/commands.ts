import { isDeepStrictEqual } from "node:util";
import { subjectPrincipal } from "#shared/contract/principal.ts";
import type { Version } from "#shared/contract/version.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Snapshot } from "../decide/snapshot.ts";
import { BROKEN_DOCUMENT } from "../document/fault.ts";
import { areSameRoles, compareBindings, type SubjectRoles } from "../decide/subject-roles.ts";
import type { TenantLimits } from "../limits/tenant-limits.ts";
import { runInTurns } from "../work/turns.ts";
import type { DocumentOrigin, Lifecycle, PolicyContent, StoredPolicy } from "../versions/stored-policy.ts";

/** The most subjects of a tenant that may have roles set over HTTP. */
const MAX_SUBJECTS = 100_000;

/** A change of a tenant's policy, who makes it and why. */
export interface PolicyCommand {
  readonly kind: "document" | "rollback" | "import" | "bindings" | "state" | "limits" | "expiry" | "repair";
  readonly by: string;
  readonly why: string;
  /** Where it came from; undefined for one of our own. */
  readonly address?: string | undefined;
  /**
   * Whether it counts among the changes that a tenant may make. What takes rights away does not, nor what only an operator or
   * policy itself does: it must be possible at any time.
   */
  readonly counts: (policy: StoredPolicy, snapshot: Snapshot | undefined) => boolean;
  /**
   * What the policy is to be; undefined where it is that already. `snapshot` is the policy's, undefined where it is broken.
   * @throws {AppError} when the change is not allowed on this policy.
   */
  apply(
    policy: StoredPolicy,
    snapshot: Snapshot | undefined,
  ): PolicyContent | undefined | Promise<PolicyContent | undefined>;
}

/** A tenant's administrators have no part in it. */
const never = (): boolean => false;
const always = (): boolean => true;

/** The document as a file has it; bindings set over HTTP stay. */
export function takeFile(text: string, file: { readonly name: string; readonly hash: string }): PolicyCommand {
  const origin: DocumentOrigin = { kind: "file", ...file };
  return {
    kind: "document",
    by: "file",
    why: `${file.name} changed`,
    // Files are looked at three times a second.
    counts: never,
    apply: ({ document, bindings }) =>
      isDeepStrictEqual(document.origin, origin) ? undefined : { document: { text, origin }, bindings },
  };
}

/** What a change of a whole document depends on: the version that its sender has seen, and which document files are there. */
export interface Expectation {
  readonly expected: number | undefined;
  readonly files: { isThere(name: string): boolean };
}

/** The document as somebody sent it. */
export function putDocument(
  text: string,
  { expected, files, ...change }: Omit<PolicyCommand, "apply" | "counts"> & Expectation,
): PolicyCommand {
  return {
    ...change,
    counts: always,
    apply: ({ document, bindings, version }, snapshot) => {
      refuseFileDocument(document.origin, files);
      if (isInForce(text, document, snapshot)) return undefined;
      requireVersion(version, expected);
      return { document: { text, origin: { kind: "http" } }, bindings };
    },
  };
}

/** The whole of a policy, as it was exported. */
export function importPolicy(
  { text, bindings }: { readonly text: string; readonly bindings: SubjectRoles },
  { by, why, expected, files }: Pick<PolicyCommand, "by" | "why"> & Expectation,
): PolicyCommand {
  return {
    kind: "import",
    by,
    why,
    counts: always,
    apply: async ({ document, bindings: current, version }, snapshot) => {
      refuseFileDocument(document.origin, files);
      if (isInForce(text, document, snapshot) && (await runInTurns(compareBindings(current, bindings))))
        return undefined;
      requireVersion(version, expected);
      return { document: { text, origin: { kind: "http" } }, bindings };
    },
  };
}

/**
 * Binds exactly these roles to a subject, whatever the document says; undefined returns to the document. With `expected` only while that
 * version is in force.
 */
export function bindSubject(
  subject: string,
  roles: readonly string[] | undefined,
  by: string,
  expected?: number,
): PolicyCommand {
  return {
    kind: "bindings",
    by,
    why: roles === undefined ? `the roles of ${subject} are the document's again` : `the roles of ${subject} were set`,
    counts: (policy, snapshot) => !takesAway(roles, boundBy(subject, policy, snapshot)),
    apply: ({ document, bindings, version }, snapshot) => {
      const wanted = roles === undefined ? undefined : [...new Set(roles)].toSorted();
      requireRoles(wanted ?? [], snapshot);
      if (areSameRoles(bindings.get(subject), wanted)) return undefined;
      requireVersion(version, expected);
      const changed = bindings.with(subject, wanted);
      requireSubjects(changed.size, bindings.size);
      return { document, bindings: changed };
    },
  };
}

/** Puts a tenant in use, or out of it. A deleted one stays deleted. */
export function setState(state: Lifecycle["state"], by: string): PolicyCommand {
  return {
    kind: "state",
    by,
    counts: never,
    why: `the tenant is ${state}`,
    apply: ({ document, bindings, lifecycle }) => {
      if (lifecycle.state === state) return undefined;
      if (lifecycle.state === "deleted") throw new AppError("tenant_deleted", "this tenant was deleted");
      return { document, bindings, state };
    },
  };
}

/** Sets the tenant's tier and limits; what is not named returns to the default tier, or to what the tier says. */
export function setLimits(limits: TenantLimits, by: string): PolicyCommand {
  return {
    kind: "limits",
    by,
    counts: never,
    why: "the limits of the tenant were set",
    apply: ({ document, bindings, limits: before }) =>
      isDeepStrictEqual(limits, before) ? undefined : { document, bindings, limits },
  };
}

/** The same policy under a new version, without the bindings that have ended by `now`. */
export function dropEnded(now: number): PolicyCommand {
  return {
    kind: "expiry",
    by: "policy",
    why: "a binding has ended",
    counts: never,
    apply: ({ document, bindings }, snapshot) =>
      snapshot === undefined || snapshot.bindingsEnd > now ? undefined : { document, bindings },
  };
}

/** The same policy under a new version, for a store that lost versions which were announced already. */
export const renumber: PolicyCommand = {
  kind: "repair",
  by: "policy",
  why: "the store had lost versions that were announced",
  counts: never,
  apply: ({ document, bindings }) => ({ document, bindings }),
};

/** A document that comes from a file is changed by changing the file, as long as that is there. */
export function refuseFileDocument(origin: DocumentOrigin, files: Expectation["files"]): void {
  if (origin.kind !== "file" || !files.isThere(origin.name)) return;
  throw new AppError("document_from_file", `the document comes from the file ${origin.name}; change that file`);
}

/** A broken one is not: its text is compiled, and refused, as any other. */
function isInForce(text: string, { origin, text: current }: StoredPolicy["document"], snapshot?: Snapshot): boolean {
  return snapshot !== undefined && origin.kind === "http" && text === current;
}

/**
 * Asked only where there is something to change: a retry of a change that was stored has succeeded, whatever version it
 * names (RFC 9110 section 13.1.1).
 */
function requireVersion(current: Version, expected: number | undefined): void {
  if (expected === undefined || expected === current.number) return;
  throw new AppError("version_conflict", `the policy is at version ${current.number}, not ${expected}`);
}

/**
 * Refuses more subjects than a tenant may have.
 * @throws {AppError} `limit_exceeded`.
 */
export function requireSubjects(count: number, before = 0): void {
  if (count <= MAX_SUBJECTS || count <= before) return;
  const message = `a tenant may have ${MAX_SUBJECTS} subjects with roles set over HTTP; bind groups in the document, or have roles come in tokens`;
  throw new AppError("limit_exceeded", message);
}

function isWithin(roles: readonly string[], held: readonly string[]): boolean {
  return roles.every((role) => held.includes(role));
}

/** What is bound to a subject by name: over HTTP, where anything is, and in the document. */
interface Bound {
  readonly overHttp: readonly string[] | undefined;
  readonly inDocument: readonly string[];
}

function boundBy(subject: string, { bindings }: StoredPolicy, snapshot: Snapshot | undefined): Bound {
  const bound = snapshot?.documentBindings.get(subjectPrincipal(subject)) ?? [];
  return { overHttp: bindings.get(subject), inDocument: bound.map(({ role }) => role) };
}

/**
 * Whether roles are taken away and none are given. What takes none away counts, too: else whoever sets roles and returns, or sets
 * nobody's roles to none, again and again, would never count.
 */
function takesAway(roles: readonly string[] | undefined, { overHttp, inDocument }: Bound): boolean {
  const [held, left] = [overHttp ?? inDocument, roles ?? inDocument];
  return isWithin(left, held) && !isWithin(held, left);
}

function requireRoles(roles: readonly string[], snapshot: Snapshot | undefined): void {
  if (roles.length === 0) return;
  if (snapshot === undefined) throw new AppError("document_invalid", BROKEN_DOCUMENT);
  const unknown = roles.filter((role) => !snapshot.roleBits.has(role));
  if (unknown.length > 0) throw new AppError("malformed_request", `there is no role ${unknown.join(", ")}`);
}
