import { z } from "zod";
import { LOG_FORMATS } from "./log-format.ts";
import { natsSettings } from "./nats-settings.ts";
import { maskValue } from "./mask-value.ts";
import { findUnknownSettings, isServiceLink, type UnknownSetting } from "./unknown-settings.ts";

/** A setting or a server that a service cannot run with. Its message is for the operator and says what to do. */
export class BootError extends Error {
  override readonly name = "BootError";
}

/** What a service's start says of its settings goes there; a `Logger` is one. */
export type BootLog = Record<"info" | "warn", (facts: object, message: string) => void>;

/** What else settings are read by. */
export interface ReadConfigOptions {
  /** Values that `SLUICE_DEMO=1` gives where the environment gives none. */
  readonly demo?: Readonly<Record<string, string>>;
  /** Gets a line of what is set and from where, and one for each variable that looks like a setting and is none. */
  readonly log?: BootLog | undefined;
  /** Gets what is set and from where, secrets masked, as the log does. */
  readonly onRead?: (settings: SettingsBySource) => void;
}

/** Settings with their values by where they come from; what is secret is masked. */
export type SettingsBySource = Readonly<Record<"environment" | "demo" | "default", Readonly<Record<string, string>>>>;

/**
 * Reads a service's settings from the environment into one frozen object. An empty variable counts as not set.
 * @throws {BootError} naming every variable that is wrong, all at once: its value, masked where it is secret, and what is expected.
 */
export function readConfig<Schema extends z.ZodObject>(
  schema: Schema,
  env: NodeJS.ProcessEnv,
  { demo = {}, log, onRead }: ReadConfigOptions = {},
): Readonly<z.infer<Schema>> {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const unknown = findUnknownSettings(set, Object.keys(schema.shape));
  for (const { name, nearest } of unknown) log?.warn({ variable: name, nearest }, "this variable is no setting");
  const given = set["SLUICE_DEMO"] === "1" ? { ...demo, ...set } : set;
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) =>
      describeFault(path.join("."), message, given, unknown),
    );
    throw new BootError(`these settings are wrong:\n${faults.join("\n")}`);
  }
  const described = describeSettings(Object.keys(schema.shape), set, given, parsed.data);
  log?.info(described, "settings");
  onRead?.(described);
  return Object.freeze(parsed.data);
}

function describeFault(
  name: string,
  expected: string,
  given: NodeJS.ProcessEnv,
  unknown: readonly UnknownSetting[],
): string {
  const value = given[name];
  if (value === undefined) {
    const meant = unknown.find(({ nearest }) => nearest === name);
    return meant === undefined
      ? `  ${name} is not set`
      : `  ${name} is not set, but ${meant.name} is: its name is wrong`;
  }
  const printed = JSON.stringify(maskValue(name, value));
  if (!isServiceLink(name, value)) return `  ${name}: ${expected}; it is ${printed}`;
  return `  ${name}: ${expected}; it is ${printed}, which Kubernetes sets for a service of that name (service links): set enableServiceLinks: false in the pod's specification, or rename the service`;
}

/** The settings by where they come from; those without a value are left out. */
function describeSettings(
  names: readonly string[],
  set: NodeJS.ProcessEnv,
  given: NodeJS.ProcessEnv,
  parsed: Readonly<Record<string, unknown>>,
): Record<"environment" | "demo" | "default", Record<string, string>> {
  const described: ReturnType<typeof describeSettings> = { environment: {}, demo: {}, default: {} };
  for (const name of names) {
    const source = set[name] !== undefined ? "environment" : given[name] !== undefined ? "demo" : "default";
    const value = given[name] ?? (hasText(parsed[name]) ? String(parsed[name]) : undefined);
    if (value !== undefined) described[source][name] = maskValue(name, value);
  }
  return described;
}

/** Defaults that are no text or number are empty lists: nothing is set. */
function hasText(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number";
}

/** A whole number between two bounds, in decimal digits. `what` says in a refusal what it counts. */
export function integerSchema(min: number, max: number, what = "a whole number") {
  return z.string().transform((text, context) => {
    const value = /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    context.addIssue({ code: "custom", message: `must be ${what} from ${min} to ${max}` });
    return z.NEVER;
  });
}

/** A TCP port; 0 takes any free one. */
export const portSchema = integerSchema(0, 65_535, "a port, a whole number");

/** Settings that every service has. */
export const commonSettings = {
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
  /** How lines are written; by default for people where the output is a terminal, else as JSON. */
  LOG_FORMAT: z.enum(LOG_FORMATS).optional(),
  ...natsSettings,
  /** `1` turns on what belongs to the demo and nothing else does: its page, its keys, its documents. */
  SLUICE_DEMO: z.enum(["0", "1"]).default("0"),
  /** Where a new JetStream stream keeps its copies: 1 on a single server, 3 on a cluster. */
  NATS_REPLICAS: integerSchema(1, 5).default(1),
};
