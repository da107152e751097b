import { z } from "zod";
import { LOG_FORMATS } from "./log-format.ts";
import { natsSettings } from "./nats-settings.ts";
import { maskValue } from "./mask-value.ts";
import { plainDescription, settingMetaOf } from "./setting-meta.ts";
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
}

/** Settings with their values by where they come from; what is secret is masked. */
export type SettingsBySource = Readonly<Record<"environment" | "demo" | "default", Readonly<Record<string, string>>>>;

/** Settings as a service uses them. */
export type Config<Schema extends z.ZodObject> = Readonly<z.infer<Schema>> & {
  /** The same as texts, for people, by where each comes from. */
  readonly bySource: SettingsBySource;
};

/**
 * Reads a service's settings from the environment into one frozen object. Blanks and line ends around a value are not part of it; an
 * empty variable counts as not set. Each setting's schema carries what it means, see `settingMetaOf`.
 * @throws {BootError} naming every variable that is wrong, all at once: its value, masked where it is secret, what is expected and
 * what it means.
 */
export function readConfig<Schema extends z.ZodObject>(
  schema: Schema,
  env: NodeJS.ProcessEnv,
  { demo = {}, log }: ReadConfigOptions = {},
): Config<Schema> {
  const set = setVariables(env);
  const unknown = findUnknownSettings(set, Object.keys(schema.shape));
  for (const { name, nearest } of unknown) log?.warn({ variable: name, nearest }, "this variable is no setting");
  const given = set["SLUICE_DEMO"] === "1" ? { ...demo, ...set } : set;
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) =>
      describeFault(schema, path.join("."), message, given, unknown),
    );
    throw new BootError(`these settings are wrong:\n${faults.join("\n")}`);
  }
  const bySource = describeSettings(schema, set, given, parsed.data);
  log?.info(bySource, "settings");
  return Object.freeze({ ...parsed.data, bySource });
}

/**
 * Variables without the blanks and line ends around their values. Secrets of Kubernetes often end with a line end: where one program cut it
 * off and another did not, what auth issued nobody else would believe.
 */
export function trimVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value?.trim()]));
}

/** The variables that are set: an empty one is not. */
export function setVariables(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(trimVariables(env)).flatMap(([name, value = ""]) => (value === "" ? [] : [[name, value]])),
  );
}

function describeFault(
  { shape }: z.ZodObject,
  name: string,
  expected: string,
  given: NodeJS.ProcessEnv,
  unknown: readonly UnknownSetting[],
): string {
  const value = given[name];
  const schema = shape[name];
  // A fault of several settings together names none.
  if (schema === undefined) return `  ${expected}`;
  const meta = settingMetaOf(schema);
  if (value === undefined) {
    const meant = unknown.find(({ nearest }) => nearest === name);
    const example = meta.example === undefined ? "" : `, such as ${meta.example}`;
    return meant === undefined
      ? `  ${name} is not set: ${plainDescription(meta)}${example}`
      : `  ${name} is not set, but ${meant.name} is: its name is wrong`;
  }
  const fault = `  ${name}: ${expected}; it is ${JSON.stringify(maskValue(value, meta))}`;
  if (!isServiceLink(name, value)) return `${fault} (${plainDescription(meta)})`;
  return `${fault}, which Kubernetes sets for a service of that name (service links): set enableServiceLinks: false in the pod's specification, or rename the service`;
}

/** The settings by where they come from; those without a value are left out. */
function describeSettings(
  { shape }: z.ZodObject,
  set: NodeJS.ProcessEnv,
  given: NodeJS.ProcessEnv,
  parsed: Readonly<Record<string, unknown>>,
): SettingsBySource {
  const described: Record<keyof SettingsBySource, Record<string, string>> = { environment: {}, demo: {}, default: {} };
  for (const [name, schema] of Object.entries(shape)) {
    const source = set[name] !== undefined ? "environment" : given[name] !== undefined ? "demo" : "default";
    const value = given[name] ?? (hasText(parsed[name]) ? String(parsed[name]) : undefined);
    if (value !== undefined) described[source][name] = maskValue(value, settingMetaOf(schema));
  }
  return described;
}

/** Defaults that are no text or number are empty lists: nothing is set. */
function hasText(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number";
}

/** A whole number between two bounds, in decimal digits. `what` says in a refusal what it counts. */
export function integerSchema(min: number, max: number, what = "a whole number") {
  const parsed = z.string().transform((text, context) => {
    const value = /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    context.addIssue({ code: "custom", message: `must be ${what} from ${min} to ${max}` });
    return z.NEVER;
  });
  // Its JSON Schema would say that it is a text.
  return parsed.meta({ type: "integer", minimum: min, maximum: max });
}

/** A TCP port; 0 takes any free one. */
export const portSchema = integerSchema(0, 65_535, "a port, a whole number");

/** Settings that every service has. */
export const commonSettings = {
  LOG_LEVEL: z
    .enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"])
    .default("info")
    .describe("the least urgent lines that are written"),
  LOG_FORMAT: z.enum(LOG_FORMATS).optional().meta({
    description: "how lines are written; by default `pretty` where the output is a terminal, else `json`",
    see: "reference/logs.md",
  }),
  ...natsSettings,
  NATS_REPLICAS: integerSchema(1, 5)
    .default(1)
    .describe("copies of each new log and bucket in JetStream: 1 on a single server, 3 on a cluster"),
  SLUICE_DEMO: z
    .enum(["0", "1"])
    .default("0")
    .describe("`1` turns on what belongs to the demo alone: its page, its documents, and keys that are public"),
};
