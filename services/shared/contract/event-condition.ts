/**
 * What a rule asks of an event's attributes once its subject is known, such as `event.region in ["eu", "us"]`. Only
 * comparisons are negated, so an attribute that the event lacks has one meaning everywhere: see `eventConditionHolds`.
 */
export type EventCondition =
  | {
      /** The attribute is, or is not, one of these values. */
      readonly kind: "oneOf" | "noneOf";
      readonly attribute: string;
      readonly values: readonly string[];
    }
  | {
      /** Two attributes are, or are not, the same. */
      readonly kind: "same" | "different";
      readonly attribute: string;
      readonly other: string;
    }
  | { readonly kind: "all" | "any"; readonly conditions: readonly EventCondition[] };

/** Attributes of an event by name. */
export type EventAttributes = Readonly<Record<string, string>>;

/**
 * Whether the condition holds for an event with these attributes. A comparison with an attribute that the event lacks counts
 * as `ifAbsent`: false where the condition allows something, true where it denies something.
 */
export function eventConditionHolds(
  condition: EventCondition,
  attributes: EventAttributes,
  ifAbsent: boolean,
): boolean {
  switch (condition.kind) {
    case "all":
      return condition.conditions.every((each) => eventConditionHolds(each, attributes, ifAbsent));
    case "any":
      return condition.conditions.some((each) => eventConditionHolds(each, attributes, ifAbsent));
    case "oneOf":
    case "noneOf": {
      const value = valueOf(attributes, condition.attribute);
      return value === undefined ? ifAbsent : condition.values.includes(value) === (condition.kind === "oneOf");
    }
    case "same":
    case "different": {
      const value = valueOf(attributes, condition.attribute);
      const other = valueOf(attributes, condition.other);
      return value === undefined || other === undefined ? ifAbsent : (value === other) === (condition.kind === "same");
    }
  }
}

/** Names are free, also those that every JavaScript object already answers to. */
function valueOf(attributes: EventAttributes, name: string): string | undefined {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined;
}
