import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Residual as WireResidual } from "#proto/policy/v1/decision.ts";
import { CedarOracle } from "#test/support/cedar.ts";
import {
  documentOf,
  randomPolicy,
  type RandomPolicy,
  type RandomQuestion,
  randomQuestion,
} from "#test/support/random-policies.ts";
import { amountOf, timeoutOf } from "../soak/amount.ts";
import { considerRules, winnerOf } from "../../services/policy/decide/consider-rules.ts";
import { decide } from "../../services/policy/decide/decide.ts";
import { decodeGrant } from "../../services/policy/decide/grant.ts";
import { residualOf } from "../../services/policy/decide/residual.ts";
import { resolveSubject } from "../../services/policy/decide/resolve-subject.ts";
import { compileSnapshot, type Snapshot } from "../../services/policy/decide/snapshot.ts";
import { parseDocument } from "../../services/policy/document/parse-document.ts";
import { encodeResidual } from "../../services/policy/grpc/encode-residual.ts";
import { createResidual } from "../../services/stream/access/residual.ts";
import { decodeResidual } from "../../services/stream/clients/decode-residual.ts";

const QUESTIONS_PER_POLICY = 200;

/** Cedar decides 3 000 times a second of CPU time. */
const DECISIONS = amountOf("oracle", 10_000);

test(
  `${DECISIONS} decisions of policy, of the edge and of the rule told are those of an independent engine`,
  { timeout: timeoutOf(300_000) },
  () => {
    const counts = { allowed: 0, denied: 0, conditional: 0 };
    fc.assert(
      fc.property(
        randomPolicy,
        fc.array(randomQuestion, { minLength: QUESTIONS_PER_POLICY, maxLength: QUESTIONS_PER_POLICY }),
        (policy, questions) => {
          const oracle = new CedarOracle(policy);
          const snapshot = compile(policy);
          for (const question of questions) {
            const expected = oracle.allows(question);
            counts[expected ? "allowed" : "denied"] += 1;
            const said = answersTo(snapshot, question, counts);
            if (said.every((answer) => answer === expected)) continue;
            throw new Error(`${JSON.stringify({ expected, said, question })} on ${documentOf(policy)}`);
          }
        },
      ),
      // What is told names the one question; looking for a smaller one takes longer than reading it.
      { numRuns: Math.ceil(DECISIONS / QUESTIONS_PER_POLICY), endOnFailure: true },
    );
    // Random policies that nearly always say the same would prove little.
    expect(Math.min(counts.allowed, counts.denied, 2 * counts.conditional)).toBeGreaterThan(DECISIONS / 10);
  },
);

function compile(policy: RandomPolicy): Snapshot {
  const { document, faults } = parseDocument(documentOf(policy), policy.tenant);
  if (document === undefined) throw new Error(JSON.stringify(faults));
  return compileSnapshot({ number: 1, build: "b" }, document, new Map());
}

/**
 * What policy, the edge and the rule that is told say; and what is said of every event, and of topic patterns, where that
 * decides.
 */
function answersTo(
  snapshot: Snapshot,
  { permission, topic, attributes, subject: id, roles, groups }: RandomQuestion,
  counts: { conditional: number },
): boolean[] {
  const grant = decodeGrant(snapshot, resolveSubject(snapshot, { id, roles, groups }, 0).id);
  const event = { topic, attributes };
  const under = { topic: topic.replace(/[^.]+$/, "*"), attributes: {} };
  const left = encodeResidual(residualOf(snapshot, grant, permission));
  const residual = createResidual(decodeResidual(WireResidual.decode(WireResidual.encode(left).finish())));
  const headers = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]));
  if (left.allowWhen.length + left.denyWhen.length > 0) counts.conditional += 1;
  return [
    decide(snapshot, grant, permission, event),
    residual.allows({ topic, attributes: headers }) === true,
    winnerOf(considerRules(snapshot, grant, permission, event).considered)?.effect === "allow",
    ...(decide(snapshot, grant, permission) ? [true] : []),
    ...(decide(snapshot, grant, permission, under) ? [true] : []),
    ...(residual.allowsUnder(topic) ? [] : [false]),
  ];
}
