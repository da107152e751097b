import { eventTypeOf, topicMatches } from "#shared/contract/topics.ts";
import type { Fault } from "../document/fault.ts";
import type { ParsedDocument } from "../document/parse-document.ts";
import type { PolicyCase } from "../document/policy-document.ts";
import { decide } from "./decide.ts";
import { decodeGrant } from "./grant.ts";
import { resolveSubject } from "./resolve-subject.ts";
import { compileSnapshot, type Snapshot } from "./snapshot.ts";
import { winningRule } from "./winning-rule.ts";

/** Of no version: cases are asked before a document has one. */
const NO_VERSION = { number: 0, build: "" };

/**
 * The test cases of a document that it does not answer as they expect. It is asked alone, without what is bound over HTTP,
 * so that a file gives the same answer wherever it is looked at.
 */
export function failedCases({ document, faultAt }: Extract<ParsedDocument, { faults?: never }>): Fault[] {
  if (document.tests.length === 0) return [];
  const snapshot = compileSnapshot(NO_VERSION, document, new Map());
  return document.tests.flatMap((each, index) => {
    const { allow, because } = answerOf(snapshot, each);
    if (allow === (each.expect === "allow")) return [];
    return [faultAt(["tests", index], `expected ${each.expect}, but ${because}`)];
  });
}

function answerOf(snapshot: Snapshot, { subject, roles, groups, question }: PolicyCase) {
  const topic = question.of === "topic" ? question.topic : undefined;
  const permission = question.of === "topic" ? permissionOf(snapshot, question.topic) : question.permission;
  if (permission === undefined) return { allow: false, because: "no event pattern takes in this topic" };
  const grant = decodeGrant(snapshot, resolveSubject(snapshot, { id: subject, roles, groups }).id);
  const rule = winningRule(snapshot, grant, permission, topic);
  return {
    allow: decide(snapshot, grant, permission, topic),
    because: rule === undefined ? `no rule allows ${permission}` : `role ${rule.role} says ${rule.effect} ${rule.rule}`,
  };
}

function permissionOf({ document }: Snapshot, topic: string): string | undefined {
  return document.events.find(({ pattern }) => topicMatches(pattern, eventTypeOf(topic)))?.permission;
}
