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
  const value = c.req.query(name);
  if (value === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new AppError("malformed_request", `${name} ${parsed.error.issues[0]?.message ?? "is not as expected"}`);
}
