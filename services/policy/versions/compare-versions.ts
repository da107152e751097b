import {
  type Affected,
  affectedNames,
  type DocumentEffects,
  EVERYONE,
  MAX_AFFECTED_NAMES,
} from "../decide/affected.ts";
import type { EndedBindings } from "../decide/document-bindings.ts";
import { diffBound, type PolicyDiff } from "../decide/policy-diff.ts";
import type { Snapshot } from "../decide/snapshot.ts";
import { type ChangedSubjects, findChangedSubjects } from "../decide/subject-roles.ts";
import { runInTurns } from "../work/turns.ts";
import type { DocumentCompiler } from "./document-compiler.ts";

/** What a version changes. */
export interface VersionChange {
  /** Undefined where that is not known. */
  readonly diff: PolicyDiff | undefined;
  readonly affected: Affected;
}

/**
 * What the step from one version to the next changes; `ended` is what has ended of the document in between. Documents are
 * compared by a thread; where it has no answer in time, everybody may be affected.
 */
export async function compareVersions(
  compiler: Pick<DocumentCompiler, "compare">,
  before: Snapshot | undefined,
  after: Snapshot | undefined,
  ended: EndedBindings,
): Promise<VersionChange> {
  if (before === undefined || after === undefined) return { diff: undefined, affected: EVERYONE };
  const changed = await runInTurns(findChangedSubjects(before.httpBindings, after.httpBindings, MAX_AFFECTED_NAMES));
  if (before.compiled === after.compiled) {
    const effects: DocumentEffects =
      ended.some.length > MAX_AFFECTED_NAMES ? { all: true } : { roles: [], bound: ended.some, known: [] };
    return {
      diff: diffBound(before, after, { changed, ended }),
      affected: affectedNames(effects, before, after, changed),
    };
  }
  const compared = await compareDocuments(compiler, before, after, changed);
  if (compared === undefined) return { diff: undefined, affected: EVERYONE };
  const { diff, effects } = compared;
  return {
    diff: { ...diff, more: diff.more + changed.count - changed.some.length },
    affected: affectedNames(effects, before, after, changed),
  };
}

async function compareDocuments(
  compiler: Pick<DocumentCompiler, "compare">,
  before: Snapshot,
  after: Snapshot,
  changed: ChangedSubjects,
) {
  if (before.read === undefined || after.read === undefined) return undefined;
  const version = ({ storedAt, httpBindings }: Snapshot, shared: Uint8Array) => ({
    shared,
    storedAt,
    httpBindings: new Map(
      changed.some.flatMap((subject): Array<[string, readonly string[]]> => {
        const roles = httpBindings.get(subject);
        return roles === undefined ? [] : [[subject, roles]];
      }),
    ),
  });
  return compiler.compare(after.document.tenant, {
    before: version(before, before.read.shared),
    after: version(after, after.read.shared),
  });
}
