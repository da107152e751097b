import type { Context } from "hono";
import { z } from "zod";
import { isFreeName, isName } from "#shared/protocol/names.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { singleParameter } from "#shared/http/read-parameter.ts";
import { decodeUtf8 } from "#shared/json/decode-utf8.ts";

const FREE_NAME = "1 to 256 bytes of UTF-8 in normal form C without control characters";

/** The tenant in a path, refused before it can reach a subject, a key or a log line. */
export function tenantParameter(c: Context): string {
  const value = c.req.param("tenant") ?? "";
  if (isName(value)) return value;
  throw new AppError("malformed_request", "the tenant in the path must be 1 to 64 of A-Z a-z 0-9 _ -");
}

/** The subject in a path: one segment, percent-encoded. */
export function subjectParameter(c: Context): string {
  const value = c.req.param("subject") ?? "";
  requireFreeName(value);
  return value;
}

/** Refuses what is no subject's name. */
export function requireFreeName(value: string): void {
  if (isFreeName(value)) return;
  throw new AppError("malformed_request", `the subject must be ${FREE_NAME}, percent-encoded`);
}

/** The subject behind which a list begins. */
export const afterSubjectSchema = z.string().refine(isFreeName, `must be a subject: ${FREE_NAME}`);

/** The name behind which a list of a policy's names begins: a subject, `group:<name>` or `role:<name>`. */
export const afterNameSchema = z
  .string()
  .refine((text) => isFreeName(text.replace(/^(subject|group|role):/, "")), "must be a name of the list");

/** The number of a version in a query or a path. */
export const versionNumberSchema = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, "must be a version, such as 17")
  .transform(Number);

/** Why somebody makes a change, in their words. */
export const reasonSchema = z.string().max(256);

/** The reason in the query; undefined where it does not say one. */
export function reasonParameter(c: Context): string | undefined {
  const value = singleParameter(c, "reason");
  if (value === undefined || value === "") return undefined;
  return readReason(value);
}

/**
 * A reason as it is kept.
 * @throws {AppError} `malformed_request` for one that is too long, or no text of one line.
 */
export function readReason(value: string): string {
  const reason = value.normalize("NFC");
  if (isFreeName(reason)) return reason;
  throw new AppError("malformed_request", `the reason must be ${FREE_NAME}`);
}

/** How much of a list is asked for: 1 to `max`. */
export function limitSchema(max: number) {
  return z
    .string()
    .regex(/^[1-9]\d{0,5}$/, `must be a number from 1 to ${max}`)
    .transform(Number)
    .refine((limit) => limit <= max, `must be a number from 1 to ${max}`)
    .meta({ example: "50" });
}

/** The number of a version in a path. */
export function versionParameter(c: Context): number {
  const parsed = versionNumberSchema.safeParse(c.req.param("version"));
  if (parsed.success) return parsed.data;
  throw new AppError("malformed_request", "the version in the path must be a number, such as 17");
}

/** The version of `If-Match`, as a number or as the entity tag we gave out; undefined where any version will do. */
export function readIfMatch(c: Context): number | undefined {
  const header = c.req.header("if-match")?.trim();
  if (header === undefined || header === "*") return undefined;
  const version = /^(?:"(\d{1,15})"|(\d{1,15}))$/.exec(header);
  if (version === null) throw new AppError("malformed_request", "If-Match must be a version, such as 17");
  return Number(version[1] ?? version[2]);
}

/** The body as text. */
export async function readText(c: Context): Promise<string> {
  const text = decodeUtf8(new Uint8Array(await c.req.arrayBuffer()));
  if (text === undefined) throw new AppError("malformed_request", "the body is not UTF-8");
  return text;
}
