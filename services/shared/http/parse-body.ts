import type { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";
import { parseJson } from "#shared/json/parse-json.ts";

/**
 * A request's JSON body, checked.
 * @throws {AppError} `malformed_request`, when it is no JSON, or naming the first field that is wrong.
 */
export function parseBody<Schema extends z.ZodType>(text: string, schema: Schema): z.infer<Schema> {
  const value = parseJson(text);
  if (value === undefined) throw new AppError("malformed_request", "the body is not JSON");
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? "the body" : `"${issue.path.join(".")}"`;
  throw new AppError("malformed_request", `${where}: ${issue?.message ?? "not as expected"}`);
}
