import type { EventCondition as WireCondition, Residual as WireResidual } from "#proto/policy/v1/decision.ts";
import type { EventCondition } from "#shared/contract/event-condition.ts";
import type { Allowed, ConditionalPattern, Residual } from "../decide/residual.ts";

/** A residual as it travels to the edge. */
export function encodeResidual({ deny, denyWhen, masked = [], ...whole }: Residual): WireResidual {
  return {
    ...encodeAllowed(whole),
    deny: [...deny],
    denyWhen: denyWhen.map(encodePattern),
    masked: masked.map(({ mask, ...allowed }) => ({ mask: [...mask], ...encodeAllowed(allowed) })),
  };
}

function encodeAllowed({ allow, allowWhen }: Allowed): Pick<WireResidual, "allow" | "allowWhen"> {
  return { allow: [...allow], allowWhen: allowWhen.map(encodePattern) };
}

/** Equal residuals once, and the place of each among these. */
export function encodeEachOnce(residuals: readonly Residual[]): { residuals: WireResidual[]; places: number[] } {
  const placeOf = new Map<string, number>();
  const distinct: WireResidual[] = [];
  const places = residuals.map((residual) => {
    const text = JSON.stringify(residual);
    const place = placeOf.get(text) ?? distinct.push(encodeResidual(residual)) - 1;
    placeOf.set(text, place);
    return place;
  });
  return { residuals: distinct, places };
}

function encodePattern({ pattern, when }: ConditionalPattern): WireResidual["allowWhen"][number] {
  return { pattern, when: encodeCondition(when) };
}

function encodeCondition(condition: EventCondition): WireCondition {
  switch (condition.kind) {
    case "oneOf":
    case "noneOf":
    case "startsWith":
    case "notStartsWith":
    case "endsWith":
    case "notEndsWith":
    case "inRange":
    case "notInRange": {
      const { attribute, values } = condition;
      return { kind: { $case: condition.kind, value: { attribute, values: [...values] } } };
    }
    case "same":
    case "different": {
      const { attribute, other } = condition;
      return { kind: { $case: condition.kind, value: { attribute, other } } };
    }
    case "compare": {
      const { attribute, operator, type, value } = condition;
      return { kind: { $case: "compare", value: { attribute, operator, type, value } } };
    }
    case "order": {
      const { attribute, operator, other } = condition;
      return { kind: { $case: "order", value: { attribute, operator, other } } };
    }
    case "all":
    case "any":
      return { kind: { $case: condition.kind, value: { conditions: condition.conditions.map(encodeCondition) } } };
  }
}
