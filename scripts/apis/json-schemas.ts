import { z } from "zod";
import { connectionEntrySchema } from "../../services/shared/contract/connection-log.ts";
import {
  erasedEntrySchema,
  policyEntrySchema,
  sessionEntrySchema,
  tenantEntrySchema,
} from "../../services/shared/contract/control-entry.ts";
import { frameSchemas, jsonFrameSchema, problemSchema } from "../../services/shared/contract/frame-schemas.ts";
import { cloudEventSchema } from "../../services/shared/contract/published-events.ts";
import { httpStatusOf } from "../../services/shared/protocol/problem-codes.ts";

/** A JSON Schema (2020-12). */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** The entries of a tenant's log that are no events, by the last token of their subject. */
export const CONTROL_ENTRIES: Readonly<Record<string, z.ZodType>> = {
  policy: policyEntrySchema,
  session: sessionEntrySchema,
  tenant: tenantEntrySchema,
  erased: erasedEntrySchema,
};

/** A zod schema as JSON Schema; what is there besides is for later releases. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const made = z.toJSONSchema(schema, {
    io: "output",
    unrepresentable: "any",
    override({ jsonSchema }) {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      delete jsonSchema.id;
    },
  });
  const { $schema: _, $defs = {}, ...rest } = JSON.parse(JSON.stringify(made)) as Record<string, unknown>;
  return inline(rest, $defs as Record<string, JsonSchema>) as JsonSchema;
}

/** A schema with the schemas that have names of their own in their places: it stands in documents that keep names elsewhere. */
function inline(part: unknown, schemas: Readonly<Record<string, JsonSchema>>): unknown {
  if (Array.isArray(part)) return part.map((each) => inline(each, schemas));
  if (typeof part !== "object" || part === null) return part;
  const { $ref, ...rest } = part as Record<string, unknown>;
  const target = typeof $ref === "string" ? schemas[$ref.replace("#/$defs/", "")] : undefined;
  const members = Object.entries({ ...target, ...rest }).map(([name, each]) => [name, inline(each, schemas)] as const);
  return Object.fromEntries(members);
}

/** The schemas for what leaves Sluice, by the name of their file. */
export function jsonSchemas(): Readonly<Record<string, JsonSchema>> {
  const codes = Object.keys(httpStatusOf);
  return {
    frames: named("frames", "The data of each frame of ours, by the name of its event", byName(frameSchemas)),
    "json-frame": named("json-frame", "A frame on the roads that send JSON", jsonSchemaOf(jsonFrameSchema)),
    "control-entries": named(
      "control-entries",
      "The entries of a tenant's log under control.<tenant>, by the last token of their subject",
      byName(CONTROL_ENTRIES),
    ),
    "connection-entry": named(
      "connection-entry",
      "An entry of the connection log",
      jsonSchemaOf(connectionEntrySchema),
    ),
    "cloud-event": named("cloud-event", "An event with format=cloudevents", jsonSchemaOf(cloudEventSchema)),
    problem: named(
      "problem",
      "A refusal over HTTP (RFC 9457)",
      jsonSchemaOf(problemSchema.and(z.object({ code: z.enum(codes) }))),
    ),
  };
}

/** Each schema under `$defs`; the whole is an object with one of them. */
function byName(schemas: Readonly<Record<string, z.ZodType>>): JsonSchema {
  const pairs = Object.entries(schemas).map(([name, schema]) => [name, jsonSchemaOf(schema)] as const);
  return { $defs: Object.fromEntries(pairs), anyOf: pairs.map(([name]) => ({ $ref: `#/$defs/${name}` })) };
}

function named(name: string, title: string, schema: JsonSchema): JsonSchema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: `urn:sluice:schema:${name}`,
    title,
    ...schema,
  };
}
