import { z } from "zod";
import { settingMetaOf } from "#shared/config/setting-meta.ts";
import { defaultOf } from "./describe-settings.ts";
import { SCHEMAS, type SettingsOwner } from "./services.ts";

/** The JSON Schema of one setting, as it is written into an environment. */
type PropertySchema = z.core.JSONSchema.JSONSchema;

/**
 * The JSON Schema of the settings of a service: of an object that holds a value for each variable. Numbers may be numbers there.
 * What one setting asks of another it does not say.
 */
export function jsonSchemaOf(service: SettingsOwner): object {
  const { required = [] } = z.toJSONSchema(SCHEMAS[service], { io: "input" });
  const shape = Object.entries(SCHEMAS[service].shape);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: `Settings of ${service}`,
    type: "object",
    properties: Object.fromEntries(shape.map(([name, schema]) => [name, propertyOf(schema)])),
    required,
    additionalProperties: false,
  };
}

/** What the schema of a setting takes. */
export function inputOf(schema: z.ZodType): PropertySchema {
  return z.toJSONSchema(schema, { io: "input" });
}

function propertyOf(schema: z.ZodType): object {
  const meta = settingMetaOf(schema);
  // What else the setting's own meta say is for other readers.
  const { $schema: _, see: __, unit: ___, secret: ____, example: _____, default: ______, ...input } = inputOf(schema);
  const byDefault = meta.secret ? undefined : defaultOf(schema, meta);
  return {
    ...input,
    ...(byDefault === undefined ? {} : { default: input.type === "integer" ? Number(byDefault) : byDefault }),
    ...(meta.example === undefined ? {} : { examples: [meta.example] }),
    ...(meta.secret ? { writeOnly: true } : {}),
  };
}
