import fc from "fast-check";
import { expect, it } from "vitest";
import { amountOf } from "../soak/amount.ts";
import { compileCondition, type EventAttributes } from "#shared/contract/event-condition.ts";
import { isInRange, readAddress, readRange } from "#shared/contract/address-range.ts";
import { readTyped } from "#shared/contract/typed-value.ts";
import { Residual as WireResidual } from "#proto/policy/v1/decision.ts";
import { createResidual } from "../../services/stream/access/residual.ts";
import { decodeResidual } from "../../services/stream/clients/decode-residual.ts";
import type { Comparison, Condition, ListOperand, SingleOperand } from "../../services/policy/document/condition.ts";
import { conditionText } from "../../services/policy/document/condition.ts";
import { parseCondition } from "../../services/policy/document/parse-condition.ts";
import { encodeResidual } from "../../services/policy/grpc/encode-residual.ts";
import { type Effect, foldCondition } from "../../services/policy/decide/fold-condition.ts";

type Truth = boolean | undefined;
type Values = Readonly<Record<string, readonly string[]>>;

/** What a condition says when everything is known at once, by Kleene's tables: written apart from what policy folds. */
function evaluate(condition: Condition, subject: Values, event: EventAttributes): Truth {
  if ("condition" in condition) {
    const inner = evaluate(condition.condition, subject, event);
    return inner === undefined ? undefined : !inner;
  }
  if (!("conditions" in condition)) return compare(condition, subject, event);
  const decides = condition.kind === "or";
  const parts = condition.conditions.map((each) => evaluate(each, subject, event));
  if (parts.includes(decides)) return decides;
  return parts.includes(undefined) ? undefined : !decides;
}

function compare(comparison: Comparison, subject: Values, event: EventAttributes): Truth {
  const single = (operand: SingleOperand): string | undefined => {
    if (operand.kind === "text") return operand.value;
    if (operand.kind === "event") return event[operand.name];
    const values = subject[operand.name] ?? [];
    return values.length === 1 ? values[0] : undefined;
  };
  const list = (operand: ListOperand) => (operand.kind === "list" ? operand.values : subject[operand.name]);
  const left = single(comparison.left);
  switch (comparison.kind) {
    case "equal": {
      const right = single(comparison.right);
      return left === undefined || right === undefined ? undefined : left === right;
    }
    case "in":
    case "startsWith":
    case "endsWith": {
      const values = list(comparison.right);
      const isKnown = comparison.left.kind === "event" || left !== undefined;
      if (values?.length === 0 && isKnown) return false;
      if (left === undefined || values === undefined) return undefined;
      if (comparison.kind === "in") return values.includes(left);
      return values.some((each) => (comparison.kind === "startsWith" ? left.startsWith(each) : left.endsWith(each)));
    }
    case "inRange": {
      const address = left === undefined ? undefined : readAddress(left);
      return address && comparison.ranges.some((range) => isInRange(address, readRange(range)!));
    }
    case "compare":
      return ordered(left, comparison.operator, comparison.right.value, [comparison.right.kind]);
    case "order":
      return ordered(left, comparison.operator, single(comparison.right), ["number", "time"]);
  }
}

function ordered(
  left: string | undefined,
  operator: string,
  right: string | undefined,
  types: readonly ("number" | "time" | "boolean")[],
): Truth {
  if (left === undefined || right === undefined) return undefined;
  for (const type of types) {
    const [a, b] = [readTyped(type, left), readTyped(type, right)];
    if (a === undefined || b === undefined) continue;
    const answers = { "==": a === b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b };
    return answers[operator as keyof typeof answers];
  }
  return undefined;
}

const TEXTS = ["", "eu", "eu-west", "1", "1.0", "-2", "10", "true", "false", "10.1.2.3", "2001:db8::1", "x.js"];
const TIMES = ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2026-06-01T00:00:00.5Z"];
const value = fc.constantFrom(...TEXTS, ...TIMES);
const quoted = value.map((each) => `'${each}'`);
const attribute = fc.constantFrom("event.a", "event.b", "subject.a", "subject.b", "subject.none");
const subjectList = fc.constantFrom("subject.a", "subject.b", "subject.many", "subject.empty", "subject.none");
const texts = fc.array(quoted, { maxLength: 3 }).map((all) => `[${all.join()}]`);
const numbers = fc.constantFrom("1", "0.5", "-2", "1e1");
const typed = fc.oneof(numbers, fc.constantFrom(...TIMES));
const range = fc.constantFrom("10.0.0.0/8", "[10.1.2.3/32, 2001:db8::/32]", "::/0");
const order = fc.constantFrom("<", "<=", ">", ">=", "==", "!=");
const not = fc.constantFrom("", "not ");

const comparison = fc.oneof(
  fc.tuple(attribute, order, typed).map((parts) => parts.join(" ")),
  fc.tuple(typed, order, attribute).map((parts) => parts.join(" ")),
  fc.tuple(attribute, order, attribute).map((parts) => parts.join(" ")),
  fc
    .tuple(attribute, fc.constantFrom("==", "!="), fc.oneof(quoted, fc.constantFrom("true", "false")))
    .map((parts) => parts.join(" ")),
  fc.tuple(fc.oneof(attribute, quoted), not, subjectList).map(([left, no, right]) => `${left} ${no}in ${right}`),
  fc
    .tuple(attribute, not, fc.oneof(texts, range, fc.constantFrom("[1, -2]", "[0.5]")))
    .map(([left, no, right]) => `${left} ${no}in ${right}`),
  fc
    .tuple(attribute, not, fc.constantFrom("startsWith", "endsWith"), fc.oneof(quoted, texts, subjectList))
    .map(([left, no, operator, right]) => `${left} ${no}${operator} ${right}`),
);
const { condition } = fc.letrec<{ condition: string }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    comparison,
    tie("condition").map((inner) => `not (${inner})`),
    fc
      .tuple(tie("condition"), fc.constantFrom("and", "or"), tie("condition"))
      .map(([a, by, b]) => `(${a}) ${by} (${b})`),
  ),
}));
const event = fc.record({ a: value, b: value }, { requiredKeys: [] });
const subject = fc
  .record(
    { a: value, b: fc.array(value, { maxLength: 2 }), many: fc.array(value, { minLength: 2, maxLength: 3 }) },
    { requiredKeys: [] },
  )
  .map(({ a, ...lists }): Values => ({ ...(a === undefined ? {} : { a: [a] }), empty: [], ...lists }));

function parsed(text: string): Condition {
  const { condition: found, fault } = parseCondition(text);
  if (found === undefined) throw new Error(`${text}: ${fault}`);
  return found;
}

/** What policy decides of the event, and what the edge decides by what policy leaves. */
function decided(when: Condition, effect: Effect, known: Values, attributes: EventAttributes): boolean[] {
  const folded = foldCondition(when, (name) => known[name], effect);
  if (typeof folded === "boolean") return [folded];
  const rules = [{ pattern: ">", when: folded }];
  const residual = { allow: effect === "deny" ? [">"] : [], deny: [] };
  const wire = encodeResidual(
    effect === "deny"
      ? { ...residual, allowWhen: [], denyWhen: rules }
      : { ...residual, allowWhen: rules, denyWhen: [] },
  );
  const edge = createResidual(decodeResidual(WireResidual.decode(WireResidual.encode(wire).finish())));
  const headers = Object.fromEntries(Object.entries(attributes).map(([name, each]) => [`ce-${name}`, each]));
  const isAllowed = edge.allows({ topic: "x.y", attributes: headers }) === true;
  return [compileCondition(folded, effect === "deny")(attributes), effect === "deny" ? !isAllowed : isAllowed];
}

it("a condition that is folded for a subject and judged at the edge says what it says with everything known", () => {
  const counts = { true: 0, false: 0, undefined: 0 };
  fc.assert(
    fc.property(condition, subject, event, (text, known, attributes) => {
      const when = parsed(text);
      const truth = evaluate(when, known, attributes);
      counts[`${truth}`] += 1;
      for (const effect of ["allow", "deny"] as const) {
        const expected = effect === "allow" ? truth === true : truth !== false;
        expect(decided(when, effect, known, attributes).every((each) => each === expected)).toBe(true);
      }
    }),
    { numRuns: amountOf("policies", 5_000) },
  );
  expect(Math.min(counts.true, counts.false, counts.undefined)).toBeGreaterThan(200);
});

it("a condition's text is read as the same condition", () => {
  fc.assert(
    fc.property(condition, (text) => {
      const canonical = conditionText(parsed(text));
      expect(conditionText(parsed(canonical))).toBe(canonical);
    }),
  );
});
