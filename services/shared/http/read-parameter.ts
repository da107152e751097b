import type { Context } from "hono";
import type { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";

/**
 * A parameter of a request's query, checked; undefined where the request has none.
 * @throws {AppError} `malformed_request`, which names the parameter.
 */
export function readParameter<Schema extends z.ZodType>(
  c: Context,
  name: string,
  schema: Schema,
): z.infer<Schema> | undefined {
  const value = singleParameter(c, name);
  if (value === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new AppError("malformed_request", `${name} ${parsed.error.issues[0]?.message ?? "is not as expected"}`);
}

/**
 * A parameter of a request's query as it came; undefined where the request has none.
 * @throws {AppError} `malformed_request` where it comes twice: one of the two would be passed over in silence.
 */
export function singleParameter(c: Context, name: string): string | undefined {
  const [value, ...others] = c.req.queries(name) ?? [];
  if (others.length === 0) return value;
  throw new AppError("malformed_request", `give "${name}" once`);
}
