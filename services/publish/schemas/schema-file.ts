import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { isTopicPattern, patternsOverlap } from "#shared/protocol/topics.ts";
import { JobEndedError } from "#shared/work/worker-pool.ts";
import type { SchemaPool } from "./schema-pool.ts";

/** A tenant's schemas in their file's order: the first whose pattern matches an event's type counts. */
export type TenantSchemas = readonly { readonly pattern: string; readonly schema: string }[];

const MAX_FILE_CHARACTERS = 1024 * 1024;
const MAX_SCHEMA_CHARACTERS = 64 * 1024;
const MAX_SCHEMAS = 256;

/** What compiling all schemas of a file may take of a thread's processor time. */
const DEADLINE_MS = 2_000;

const fileSchema = z.strictObject({
  schemas: z
    .record(
      z
        .string()
        .refine(
          (pattern) => isTopicPattern(pattern) && patternsOverlap(pattern, "*.*"),
          "must be a pattern over event types, which have two tokens, such as order.*",
        ),
      z.looseObject({}),
    )
    .refine((schemas) => Object.keys(schemas).length <= MAX_SCHEMAS, `may be at most ${MAX_SCHEMAS}`),
});

/**
 * Reads a tenant's file, `schemas: {<event type>: <JSON Schema 2020-12>}` in YAML or JSON, and has its schemas compiled.
 * @throws {Error} saying what is wrong with it.
 */
export async function readSchemaFile(tenant: string, text: string, pool: SchemaPool): Promise<TenantSchemas> {
  if (text.length > MAX_FILE_CHARACTERS) throw new Error(`it has more than ${MAX_FILE_CHARACTERS} characters`);
  const parsed = fileSchema.safeParse(parseYaml(text, { maxAliasCount: 100 }));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const message = issue?.code === "invalid_key" ? issue.issues[0]?.message : issue?.message;
    throw new Error(`${issue?.path.join(".") || "the file"}: ${message ?? "not as expected"}`);
  }
  const schemas = Object.entries(parsed.data.schemas).map(([pattern, schema]) => ({
    pattern,
    schema: JSON.stringify(schema),
  }));
  const large = schemas.find(({ schema }) => schema.length > MAX_SCHEMA_CHARACTERS);
  if (large !== undefined) throw new Error(`${large.pattern}: has more than ${MAX_SCHEMA_CHARACTERS} characters`);
  const fault = await faultOf(tenant, schemas, pool);
  if (fault !== undefined) throw new Error(fault);
  return schemas;
}

async function faultOf(tenant: string, schemas: TenantSchemas, pool: SchemaPool): Promise<string | undefined> {
  const job = { kind: "compile", schemas: schemas.map(({ schema }) => schema) } as const;
  try {
    const fault = await pool.run(tenant, job, { deadlineMs: DEADLINE_MS, mayBeRefused: false });
    return fault && `${schemas[fault.place]?.pattern ?? ""}: ${fault.fault}`;
  } catch (error) {
    if (error instanceof JobEndedError) return `compiling its schemas: ${error.message}`;
    throw error;
  }
}
