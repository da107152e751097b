import { z } from "zod";

const MAX_DEPTH = 8;

/** A claim's place: its name, or the path to it inside other claims. */
export type ClaimPlace = readonly string[];

const nameOfClaim = z.string().min(1).max(256);
const pathSchema = z.array(nameOfClaim).min(1).max(MAX_DEPTH);

/** A claim's name, the path to it, or several paths whose values come together. */
export const placesSchema = z
  .union([nameOfClaim, pathSchema, z.array(pathSchema).min(1).max(16)], {
    error: "must be a claim's name, the path to it as a list, or a list of such paths",
  })
  .transform((from): readonly ClaimPlace[] => {
    if (typeof from === "string") return [[from]];
    const path = from.filter((each) => typeof each === "string");
    return path.length > 0 ? [path] : from.filter((each) => typeof each !== "string");
  });

const detailedSchema = z.strictObject({
  from: placesSchema,
  /** What stands between the values of one string. */
  split: z.string().min(1).max(8).optional(),
  strip_prefix: z.string().min(1).max(256).optional(),
  rename: z.record(z.string(), z.string().min(1)).default({}),
  prefix: z.string().min(1).max(128).default(""),
});

/** Where names come from in a token, and how they become ours. */
export type ClaimRule = Readonly<z.infer<typeof detailedSchema>>;

/** A place, or a mapping with `from`, `split`, `strip_prefix`, `rename` and `prefix`. */
export const ruleSchema = z.union(
  [detailedSchema, placesSchema.transform((from) => ({ from, rename: {}, prefix: "" }))],
  {
    error:
      "must be a claim's name, the path to it as a list, or a mapping with from, and split, strip_prefix, rename and prefix as needed",
  },
);

/**
 * The value at a place of the claims; undefined where there is none. A path goes through every member of a list: `[roles, key]` is the
 * key of each role.
 */
export function valueAt(claims: unknown, place: ClaimPlace): unknown {
  return place.reduce<unknown>((value, name) => memberOf(value, name), claims);
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value) && !/^\d+$/.test(name)) return value.flatMap((each) => memberOf(each, name) ?? []);
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

/**
 * The texts that a rule finds in the claims, in their order, each once. A list gives its texts and numbers, a mapping the
 * keys whose value is neither false nor null, a string itself, or its parts: `scope` and `scp` are lists in a string by
 * their definition (RFC 8693, section 4.2).
 */
export function textsOf(claims: unknown, rule: ClaimRule): string[] {
  const raw = rule.from.flatMap((place) => textsIn(valueAt(claims, place), rule.split ?? separatorOf(place)));
  return [...new Set(raw.map((text) => renamed(text, rule)))];
}

function separatorOf(place: ClaimPlace): string | undefined {
  return ["scope", "scp"].includes(place.at(-1) ?? "") ? " " : undefined;
}

function textsIn(value: unknown, separator: string | undefined): string[] {
  if (typeof value === "string") {
    return separator === undefined ? [value] : value.split(separator).filter((part) => part !== "");
  }
  if (typeof value === "boolean" || isExact(value)) return [String(value)];
  if (Array.isArray(value)) return value.flatMap((each) => (isPlain(each) ? [String(each)] : []));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => (each === false || each === null ? [] : [key]));
}

function isPlain(value: unknown): value is string | number {
  return typeof value === "string" || isExact(value);
}

/** Numbers beyond 2^53 are rounded when JSON is read: two people of such ids would be one. */
function isExact(value: unknown): value is number {
  return typeof value === "number" && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
}

function renamed(text: string, { strip_prefix: start, rename, prefix }: ClaimRule): string {
  const stripped = start !== undefined && text.startsWith(start) ? text.slice(start.length) : text;
  return prefix + (Object.hasOwn(rename, stripped) ? rename[stripped] : stripped);
}
