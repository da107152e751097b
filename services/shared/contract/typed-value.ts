const TYPES = ["number", "time", "boolean"] as const;

/** What the text of an attribute may be read as, where a condition does not compare it as text. */
export type ValueType = (typeof TYPES)[number];

/** Types whose values have an order. No text is of both. */
export const ORDERED_TYPES = ["number", "time"] as const;

/** Whether a text names a type. */
export function isValueType(text: string): text is ValueType {
  return (TYPES as readonly string[]).includes(text);
}

/** The longest text of a number or a time, in characters: reading one stays far below a microsecond. */
const MAX_CHARACTERS = 40;

/** A number as JSON writes it (RFC 8259, section 6). */
const NUMBER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d{1,2}))?$/;
const MAX_POWER = 40;
/** Numbers are counted in units of ten to the minus this, so that every one of them is whole. */
const NUMBER_SCALE = 2 * MAX_POWER;

/** A time with its zone (RFC 3339, section 5.6) and up to nanoseconds. */
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/;
const NANOS_PER_MS = 1_000_000n;
const MS_PER_MINUTE = 60_000;

/**
 * Reads a text as a value of a type; undefined where it is none. Values of one type compare as these integers do, exactly:
 * `0.1` is one tenth, and 30-digit numbers that differ in the last digit differ.
 */
export function readTyped(type: ValueType, text: string): bigint | undefined {
  if (text.length > MAX_CHARACTERS) return undefined;
  switch (type) {
    case "number":
      return readNumber(text);
    case "time":
      return readTime(text);
    case "boolean":
      return text === "true" ? 1n : text === "false" ? 0n : undefined;
  }
}

/** The type that a text has when it must be ordered with another. */
export function orderedTypeOf(text: string): (typeof ORDERED_TYPES)[number] | undefined {
  return ORDERED_TYPES.find((type) => readTyped(type, text) !== undefined);
}

function readNumber(text: string): bigint | undefined {
  const [found, sign, whole = "", fraction = "", exponent = "0"] = NUMBER.exec(text) ?? [];
  const power = Number(exponent);
  if (found === undefined || Math.abs(power) > MAX_POWER) return undefined;
  const magnitude = BigInt(whole + fraction + "0".repeat(NUMBER_SCALE - fraction.length + power));
  return sign === "-" ? -magnitude : magnitude;
}

function readTime(text: string): bigint | undefined {
  const [found, local = "", fraction = "", sign, hours, minutes] = TIME.exec(text) ?? [];
  if (found === undefined) return undefined;
  const ms = Date.parse(`${local}Z`);
  // The 30th of February is read as a day of March, and 24:00 as the day after.
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(local)) return undefined;
  const offsetMs = sign === undefined ? 0 : (Number(hours) * 60 + Number(minutes)) * MS_PER_MINUTE;
  const utcMs = sign === "-" ? ms + offsetMs : ms - offsetMs;
  return BigInt(utcMs) * NANOS_PER_MS + BigInt(fraction.padEnd(9, "0"));
}
