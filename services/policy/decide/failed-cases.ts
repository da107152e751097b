import type { Fault } from "../document/fault.ts";
import type { ParsedDocument } from "../document/parse-document.ts";
import { decideQuestion } from "./decide-question.ts";
import { type Explanation, explain } from "./explain.ts";
import { compileSnapshot } from "./snapshot.ts";
import { trustedSubject } from "./trusted-subject.ts";

/** Cases are asked before a document has a version, and as if none of its bindings had ended yet. */
const NO_VERSION = { number: 0, build: "" };
const BEFORE_ANY_END = 0;

/** A placeholder for auth's issuer, which a document alone does not show. */
export const OWN_ISSUER = "";

/**
 * The test cases of a document that it does not answer as they expect. It is asked alone, without what is bound over HTTP,
 * so that a file gives the same answer wherever and whenever it is looked at.
 */
export function failedCases({ document, faultAt }: Extract<ParsedDocument, { faults?: never }>): Fault[] {
  if (document.tests.length === 0) return [];
  const snapshot = compileSnapshot(NO_VERSION, document, new Map());
  return document.tests.flatMap(({ subject: claimed, question, expect }, index) => {
    const subject = trustedSubject(snapshot, claimed, OWN_ISSUER);
    const isAllowed = decideQuestion(snapshot, subject, question, BEFORE_ANY_END);
    if (isAllowed === (expect === "allow")) return [];
    const reason = reasonOf(explain(snapshot, subject, question, BEFORE_ANY_END));
    return [faultAt(["tests", index], `expected ${expect}, but ${reason}`)];
  });
}

function reasonOf({ rule, because }: Explanation): string {
  return rule === null ? because : `role ${rule.role} says ${rule.effect} ${rule.rule}`;
}
