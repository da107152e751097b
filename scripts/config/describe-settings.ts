import type { z } from "zod";
import { maskValue } from "#shared/config/mask-value.ts";
import type { ServiceName } from "../shared/service-calls.ts";
import { SERVICE_SETTINGS } from "./services.ts";

/** A setting of a service, what it is now, and why. */
export interface DescribedSetting {
  readonly service: ServiceName;
  readonly name: string;
  /** What counts, with secrets hidden; undefined where nothing is set and there is no default. */
  readonly value: string | undefined;
  readonly source: "environment" | "default" | "none" | "missing";
  /** Undefined where there is none. */
  readonly default: string | undefined;
  readonly meaning: string | undefined;
}

/** Every setting of a service; an empty variable counts as not set. */
export function describeSettings(
  service: ServiceName,
  env: NodeJS.ProcessEnv,
  meanings: ReadonlyMap<string, string>,
): DescribedSetting[] {
  const { shape } = SERVICE_SETTINGS[service].schema;
  return Object.entries(shape).map(([name, schema]) => {
    const given = env[name] || undefined;
    const fallback = (schema as z.ZodType).safeParse(undefined);
    const byDefault = fallback.success ? textOf(fallback.data) : undefined;
    const value = given === undefined ? byDefault : maskValue(name, given);
    const source = given === undefined ? sourceOf(fallback.success, byDefault) : "environment";
    return { service, name, value, source, default: byDefault, meaning: meanings.get(name) };
  });
}

function sourceOf(isOptional: boolean, byDefault: string | undefined): DescribedSetting["source"] {
  if (!isOptional) return "missing";
  return byDefault === undefined ? "none" : "default";
}

/** Defaults that are neither text nor number are empty lists: nothing is set. */
function textOf(value: unknown): string | undefined {
  const text = typeof value === "string" || typeof value === "number" ? String(value) : "";
  return text === "" ? undefined : text;
}
