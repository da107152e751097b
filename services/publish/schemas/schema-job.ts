import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { LRUCache } from "lru-cache";
import { parseJson } from "#shared/json/parse-json.ts";

/** What a thread is asked: whether schemas can be used, or whether events fit theirs. All are JSON texts. */
export type SchemaJob =
  | { readonly kind: "compile"; readonly schemas: readonly string[] }
  | { readonly kind: "check"; readonly events: readonly SchemaQuestion[] };

/** An event, and the schema that it must fit. */
export interface SchemaQuestion {
  readonly place: number;
  readonly schema: string;
  readonly text: string;
}

/** The first fault that was found, in a schema or an event; undefined where there is none. */
export type SchemaAnswer = { readonly place: number; readonly fault: string } | undefined;

const validators = new LRUCache<string, ValidateFunction>({ max: 256 });

/** Does a job, on a thread of its own: both schemas and events may be made to take for ever. */
export function doSchemaJob(job: SchemaJob): SchemaAnswer {
  if (job.kind === "compile")
    return firstFault(
      job.schemas.map((schema, place) => ({ place, schema })),
      faultOfSchema,
    );
  return firstFault(job.events, faultOfEvent);
}

function firstFault<Item extends { readonly place: number }>(
  items: readonly Item[],
  faultOf: (item: Item) => string | undefined,
): SchemaAnswer {
  for (const item of items) {
    const fault = faultOf(item);
    if (fault !== undefined) return { place: item.place, fault };
  }
  return undefined;
}

function faultOfSchema({ schema }: { readonly schema: string }): string | undefined {
  try {
    validatorOf(schema);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function faultOfEvent({ schema, text }: SchemaQuestion): string | undefined {
  const value = parseJson(text);
  if (value === undefined) return "data is not JSON";
  const validate = validatorOf(schema);
  if (validate(value)) return undefined;
  const [error] = validate.errors ?? [];
  return `data${error?.instancePath ?? ""} ${error?.message ?? "does not fit"}`;
}

/** Each schema has a compiler of its own, so that names in one mean nothing in another; nothing is loaded from elsewhere. */
function validatorOf(schema: string): ValidateFunction {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const compiler = new Ajv2020({ strictTypes: false, strictRequired: false, validateFormats: false, logger: false });
  const validator = compiler.compile(JSON.parse(schema) as object);
  validators.set(schema, validator);
  return validator;
}
