import type { z } from "zod";
import { maskValue } from "#shared/config/mask-value.ts";
import { type SettingMeta, settingMetaOf } from "#shared/config/setting-meta.ts";
import { SCHEMAS, type SettingsOwner } from "./services.ts";

/** A setting, what it is now, and why. */
export interface DescribedSetting {
  readonly service: SettingsOwner;
  readonly name: string;
  /** What counts, with secrets hidden; undefined where nothing is set and there is no default. */
  readonly value: string | undefined;
  /** `environment`, or the file and line that set it, such as `.env:3`; `default`, `none` or `missing` where nothing sets it. */
  readonly source: string;
  /** Undefined where there is none. */
  readonly default: string | undefined;
  readonly meaning: string;
  /** The page that says more, below `docs/`. */
  readonly see: string | undefined;
}

/** Where variables stand that the environment itself did not set. */
export type Origins = ReadonlyMap<string, string>;

/** Every setting of a service, or of the tools; an empty variable counts as not set. */
export function describeSettings(
  service: SettingsOwner,
  env: NodeJS.ProcessEnv,
  origins: Origins = new Map(),
): DescribedSetting[] {
  return Object.entries(SCHEMAS[service].shape as Record<string, z.ZodType>).map(([name, schema]) => {
    const meta = settingMetaOf(schema);
    const given = env[name] || undefined;
    const byDefault = defaultOf(schema, meta);
    const value = given === undefined ? byDefault : maskValue(given, meta);
    const source = given === undefined ? sourceOf(schema, byDefault) : (origins.get(name) ?? "environment");
    return { service, name, value, source, default: byDefault, meaning: meta.description, see: meta.see };
  });
}

/** Whether a setting may be left out. */
export function isOptional(schema: z.ZodType): boolean {
  return schema.safeParse(undefined).success;
}

/** The default of a setting as a text; undefined where there is none. Those that are no text are empty lists: nothing is set. */
export function defaultOf(schema: z.ZodType, { secret }: Pick<SettingMeta, "secret">): string | undefined {
  const value: unknown = schema.safeParse(undefined).data;
  const text = ["string", "number", "boolean"].includes(typeof value) ? String(value) : "";
  if (text === "") return undefined;
  return secret ? "***" : text;
}

function sourceOf(schema: z.ZodType, byDefault: string | undefined): string {
  if (!isOptional(schema)) return "missing";
  return byDefault === undefined ? "none" : "default";
}
