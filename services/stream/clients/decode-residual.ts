import type {
  ConditionalPattern as WirePattern,
  EventCondition as WireCondition,
  Masked as WireMasked,
  Residual as WireResidual,
} from "#proto/policy/v1/decision.ts";
import { type EventCondition, isOperator } from "#shared/contract/event-condition.ts";
import { readRange } from "#shared/contract/address-range.ts";
import { isValueType, readTyped } from "#shared/contract/typed-value.ts";
import { isFieldPath } from "#shared/contract/field-path.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { ConditionalPattern, MaskedTopics, TopicRules } from "../access/residual.ts";

/** How producers send a CloudEvents attribute (CloudEvents NATS binding, section 3.1.3.2). */
const HEADER_PREFIX = "ce-";

/**
 * Reads a residual from policy; its conditions then name headers.
 * @throws {AppError} `unavailable` when there is a condition or a mask in it that this release does not know.
 */
export function decodeResidual({ allow, deny, allowWhen, denyWhen, masked }: WireResidual): TopicRules {
  const rules = { allow, deny, allowWhen: allowWhen.map(decodePattern), denyWhen: denyWhen.map(decodePattern) };
  return masked.length === 0 ? rules : { ...rules, masked: masked.map(decodeMasked) };
}

function decodeMasked({ mask, allow, allowWhen }: WireMasked): MaskedTopics {
  if (mask.length === 0 || !mask.every(isFieldPath)) {
    throw new AppError("unavailable", "policy answered with a mask that this edge does not know");
  }
  return { mask, allow, allowWhen: allowWhen.map(decodePattern) };
}

function decodePattern({ pattern, when }: WirePattern): ConditionalPattern {
  return { pattern, when: decodeCondition(when) };
}

function decodeCondition(condition: WireCondition | undefined): EventCondition {
  const kind = condition?.kind;
  switch (kind?.$case) {
    case "oneOf":
    case "noneOf":
    case "startsWith":
    case "notStartsWith":
    case "endsWith":
    case "notEndsWith":
      return { kind: kind.$case, attribute: HEADER_PREFIX + kind.value.attribute, values: kind.value.values };
    case "inRange":
    case "notInRange": {
      const { attribute, values } = kind.value;
      if (values.some((each) => readRange(each) === undefined)) throw unknownCondition();
      return { kind: kind.$case, attribute: HEADER_PREFIX + attribute, values };
    }
    case "compare": {
      const { attribute, operator, type, value } = kind.value;
      if (!isOperator(operator) || !isValueType(type) || readTyped(type, value) === undefined) throw unknownCondition();
      return { kind: "compare", attribute: HEADER_PREFIX + attribute, operator, type, value };
    }
    case "order": {
      const { attribute, operator, other } = kind.value;
      if (!isOperator(operator)) throw unknownCondition();
      return { kind: "order", attribute: HEADER_PREFIX + attribute, operator, other: HEADER_PREFIX + other };
    }
    case "same":
    case "different": {
      const { attribute, other } = kind.value;
      return { kind: kind.$case, attribute: HEADER_PREFIX + attribute, other: HEADER_PREFIX + other };
    }
    case "all":
    case "any":
      return { kind: kind.$case, conditions: kind.value.conditions.map(decodeCondition) };
    case undefined:
      throw unknownCondition();
  }
}

function unknownCondition(): AppError {
  return new AppError("unavailable", "policy answered with a condition that this edge does not know");
}
