import { setImmediate as nextTurn } from "node:timers/promises";
import { z } from "zod";
import { freeNameSchema, nameSchema } from "#shared/contract/name-schema.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { parseBody } from "#shared/http/parse-body.ts";
import { requireSubjects } from "../changes/commands.ts";
import { CollectedRoles, SubjectRoles } from "../decide/subject-roles.ts";
import type { StoredPolicy } from "../versions/stored-policy.ts";

/** The format that is written. */
export const EXPORT_FORMAT = "sluice-policy/2";
const EARLIER_FORMAT = "sluice-policy/1";

/** How many lines are read or written before others have their turn: some 2 ms. */
const LINES_AT_ONCE = 400;

/** The most roles that may be set for one subject. */
export const MAX_ROLES_OF_SUBJECT = 64;

/** The longest value of the earlier format, in bytes: it is read as a whole. */
const MAX_EARLIER_BYTES = 1024 * 1024;

const boundSchema = z.strictObject({
  subject: freeNameSchema,
  roles: z.array(freeNameSchema).max(MAX_ROLES_OF_SUBJECT),
});

const headFields = {
  tenant: nameSchema,
  /** Which version it was; an import makes a new one. */
  version: z.int().min(1),
  at: z.iso.datetime(),
  document: z.string(),
};
/** The first line. The subjects follow, one to a line; their number shows whether any is missing. */
const headSchema = z.strictObject({ format: z.literal(EXPORT_FORMAT), ...headFields, subjects: z.int().min(0) });
const earlierSchema = z.strictObject({
  format: z.literal(EARLIER_FORMAT),
  ...headFields,
  bindings: z.array(boundSchema),
});

/** All that a tenant's policy consists of, to keep or to move. */
export interface ExportedPolicy {
  readonly tenant: string;
  readonly version: number;
  readonly document: string;
  readonly bindings: SubjectRoles;
}

/** A policy as lines of JSON (NDJSON), in pieces of many lines: first what it says of itself, then each subject. */
export async function* writeExport(
  tenant: string,
  { version, at, document, bindings }: StoredPolicy,
): AsyncGenerator<string> {
  const head = { format: EXPORT_FORMAT, tenant, version: version.number, at, document: document.text };
  let lines = [JSON.stringify({ ...head, subjects: bindings.size })];
  for (const [subject, roles] of bindings.listed()) {
    lines.push(JSON.stringify({ subject, roles }));
    if (lines.length < LINES_AT_ONCE) continue;
    yield `${lines.join("\n")}\n`;
    lines = [];
    await nextTurn();
  }
  if (lines.length > 0) yield `${lines.join("\n")}\n`;
}

/**
 * Reads what `writeExport` wrote, or the one JSON value that earlier releases exported.
 * @throws {AppError} `malformed_request` with the line that is wrong; `limit_exceeded`; `body_too_large`.
 */
export async function readExport(lines: AsyncIterable<string>): Promise<ExportedPolicy> {
  const iterator = lines[Symbol.asyncIterator]();
  try {
    const first = (await iterator.next()).value ?? "";
    const rest = { [Symbol.asyncIterator]: () => iterator };
    if (!first.includes(`"${EXPORT_FORMAT}"`)) return await readEarlier(first, rest);
    const { subjects, ...head } = parseLine(first, headSchema, 1);
    requireSubjects(subjects);
    return { ...head, bindings: await readBindings(rest, subjects) };
  } finally {
    // What is refused at its first line is not read to its end.
    await iterator.return?.();
  }
}

async function readBindings(lines: AsyncIterable<string>, expected: number): Promise<SubjectRoles> {
  const bindings = new CollectedRoles();
  const lists = new Map<string, readonly string[]>();
  let number = 1;
  for await (const line of lines) {
    number += 1;
    if (number % LINES_AT_ONCE === 0) await nextTurn();
    if (line === "") continue;
    const { subject, roles } = parseLine(line, boundSchema, number);
    if (bindings.has(subject))
      throw new AppError("malformed_request", `line ${number}: this subject stands here twice`);
    requireSubjects(bindings.size + 1);
    bindings.set(subject, oneList(lists, roles));
  }
  if (bindings.size === expected) return bindings.take();
  const message = `line 1 says that there are ${expected} subjects, and ${bindings.size} follow: it is not whole, or the number must be changed too`;
  throw new AppError("malformed_request", message);
}

async function readEarlier(first: string, rest: AsyncIterable<string>): Promise<ExportedPolicy> {
  let text = first;
  for await (const line of rest) {
    text += `\n${line}`;
    if (text.length > MAX_EARLIER_BYTES) {
      throw new AppError("body_too_large", `an export of format ${EARLIER_FORMAT} may have ${MAX_EARLIER_BYTES} bytes`);
    }
  }
  const { bindings: bound, ...head } = parseBody(text, earlierSchema);
  if (new Set(bound.map(({ subject }) => subject)).size < bound.length) {
    throw new AppError("malformed_request", "bindings: a subject stands here twice");
  }
  const lists = new Map<string, readonly string[]>();
  return { ...head, bindings: SubjectRoles.from(bound.map(({ subject, roles }) => [subject, oneList(lists, roles)])) };
}

/** Roles in order and once. Many subjects have the same, and share one list of them. */
function oneList(lists: Map<string, readonly string[]>, roles: readonly string[]): readonly string[] {
  const sorted = [...new Set(roles)].toSorted();
  const key = JSON.stringify(sorted);
  const list = lists.get(key) ?? sorted;
  lists.set(key, list);
  return list;
}

function parseLine<Schema extends z.ZodType>(line: string, schema: Schema, number: number): z.infer<Schema> {
  try {
    return parseBody(line, schema);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError(error.code, `line ${number}: ${error.message}`);
  }
}
