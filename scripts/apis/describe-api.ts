import type { Hono } from "hono";
import { z } from "zod";
import { createDocument, type CreateDocumentOptions, type ZodOpenApiOperationObject } from "zod-openapi";
import { problemSchema } from "../../services/shared/contract/frame-schemas.ts";
import { CREDENTIALS } from "../../services/shared/http/openapi/credentials.ts";
import {
  type AnswerDescription,
  type CallDescription,
  descriptionOf,
  type Parameters,
} from "../../services/shared/http/openapi/describe-call.ts";
import { VERSION } from "../../services/shared/lifecycle/version.ts";
import { type ErrorCode, httpStatusOf, titleOf } from "../../services/shared/protocol/problem-codes.ts";

/** A document of OpenAPI 3.1, as JSON has it. */
export type OpenApiDocument = ReturnType<typeof createDocument>;

/** A call of an API: where it is, and what it says of itself. */
export interface DescribedCall {
  readonly method: string;
  /** As OpenAPI writes it: `/v1/tenants/{tenant}`. */
  readonly path: string;
  readonly description: CallDescription;
}

/** The routes of an API, as its router has them. */
export interface DescribedRoutes {
  readonly calls: readonly DescribedCall[];
  /** Routes that say nothing of themselves: `GET /v1/orders`. */
  readonly undescribed: readonly string[];
}

/** Walks the router of an API. */
export function walkRoutes(api: Hono): DescribedRoutes {
  const routes = Map.groupBy(
    api.routes.filter(({ method }) => method !== "ALL"),
    ({ method, path }) => `${method} ${path}`,
  );
  const calls: DescribedCall[] = [];
  const undescribed: string[] = [];
  for (const [name, handlers] of routes) {
    const description = handlers.map(({ handler }) => descriptionOf(handler)).find((each) => each !== undefined);
    const [{ method, path }] = handlers as [(typeof handlers)[number]];
    if (description === undefined) undescribed.push(name);
    else if (description !== "page") calls.push({ method: method.toLowerCase(), path: pathOf(path), description });
  }
  return { calls, undescribed };
}

/** Any call may end with these. */
const ALWAYS: readonly ErrorCode[] = ["malformed_request", "too_many_headers", "internal"];

const OPTIONS: CreateDocumentOptions = {
  override({ jsonSchema, io }) {
    // An answer may have members that a later release adds.
    if (io === "output" && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    // What the format says already, in 300 characters, and the limits of every number in JavaScript.
    if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
    // A format of zod alone, beside the pattern that says it.
    const format: string | undefined = jsonSchema.format;
    if (format === "starts_with") delete jsonSchema.format;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  },
};

/** The document that describes the calls of an API. */
export function documentOf(
  calls: readonly DescribedCall[],
  { title, about }: { readonly title: string; readonly about: string },
): OpenApiDocument {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const { method, path, description } of calls) {
    paths[path] = { ...paths[path], [method]: operationOf(description) };
  }
  const used = new Set(calls.flatMap(({ description }) => description.by));
  const schemes = Object.entries(CREDENTIALS).filter(([name]) => used.has(name as keyof typeof CREDENTIALS));
  const document = createDocument(
    {
      openapi: "3.1.0",
      info: {
        title,
        version: VERSION,
        description: `${about} Every answer has the header X-Request-ID, which names the request in the log. A path answers 405 to a method that it does not have.`,
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      servers: [{ url: "/" }],
      tags: [...new Set(calls.map(({ description }) => description.tag))].map((name) => ({ name })),
      paths,
      components: { securitySchemes: Object.fromEntries(schemes) },
    },
    OPTIONS,
  );
  for (const call of calls) addExample(document, call);
  return JSON.parse(JSON.stringify(document)) as OpenApiDocument;
}

/** `/v1/clients/:client{[a-z]+}/topics` as OpenAPI writes it. */
function pathOf(path: string): string {
  return path.replaceAll(/:(\w+)(?:\{(?:[^{}]|\{[^}]*\})*\})?/g, "{$1}");
}

function operationOf(call: CallDescription): ZodOpenApiOperationObject {
  const { id: operationId, tag, summary, about, body } = call;
  const security = call.by.map((credential) =>
    credential === "body" || credential === "nothing" ? {} : { [credential]: [] },
  );
  return {
    operationId,
    tags: [tag],
    summary,
    ...(about !== undefined && { description: about }),
    security,
    requestParams: {
      ...(call.path && { path: z.object(call.path) }),
      ...(call.query && { query: z.object(optional(call.query, call.required)) }),
      ...(call.headers && { header: z.object(optional(call.headers)) }),
    },
    ...(body && { requestBody: { required: body.isOptional !== true, content: contentOf(body.content) } }),
    responses: {
      ...Object.fromEntries(Object.entries(call.answers).map(([status, answer]) => [status, responseOf(answer)])),
      ...refusalsOf(call),
    },
  };
}

function optional(parameters: Parameters, required: readonly string[] = []): Parameters {
  const pairs = Object.entries(parameters);
  return Object.fromEntries(
    pairs.map(([name, schema]) => [name, required.includes(name) ? schema : schema.optional()]),
  );
}

function contentOf(content: Readonly<Record<string, z.ZodType>>) {
  return Object.fromEntries(Object.entries(content).map(([type, schema]) => [type, { schema }]));
}

function responseOf({ is, content, headers = {} }: AnswerDescription) {
  const told = Object.entries(headers).map(([name, description]) => [
    name,
    { description, schema: { type: "string" } },
  ]);
  return {
    description: is,
    ...(told.length > 0 && { headers: Object.fromEntries(told) as Record<string, object> }),
    ...(content && { content: contentOf(content) }),
  };
}

/** The refusals of a call by their status, each with its codes. */
function refusalsOf({ body, errors, refusals }: CallDescription) {
  const codes = [...ALWAYS, ...errors, ...(body ? (["body_too_large"] as const) : [])];
  const known = (Object.keys(httpStatusOf) as ErrorCode[]).filter((code) => codes.includes(code));
  const isOwn = (code: ErrorCode): boolean =>
    refusals !== undefined && httpStatusOf[code] !== 413 && code !== "too_many_headers";
  const statusOf = (code: ErrorCode): number =>
    (isOwn(code) ? refusals?.statusOf(code) : undefined) ?? httpStatusOf[code];
  const byStatus = Object.entries(Object.groupBy(known, (code) => String(statusOf(code))));
  return Object.fromEntries(
    byStatus.map(([status, some = []]) => {
      const description = some.map((code) => `\`${code}\`: ${titleOf[code]}.`).join(" ");
      const [first] = some;
      if (refusals !== undefined && first !== undefined && isOwn(first)) {
        return [status, { description, content: { "application/json": { schema: refusals.schema } } }];
      }
      const schema = problemSchema.and(z.object({ code: z.enum(some) }));
      return [status, { description, content: { "application/problem+json": { schema } } }];
    }),
  );
}

function addExample(document: OpenApiDocument, { method, path, description: { example, body } }: DescribedCall): void {
  const operation = document.paths?.[path]?.[method as "get"];
  for (const parameter of operation?.parameters ?? []) {
    if (!("in" in parameter)) continue;
    const given = { path: example.path, query: example.query, header: example.headers }[parameter.in as "path"];
    const value = given?.[parameter.name];
    if (value !== undefined) parameter.example = value;
  }
  const [type = ""] = Object.keys(body?.content ?? {});
  const request = operation?.requestBody;
  const content = request !== undefined && "content" in request ? request.content[type] : undefined;
  if (content !== undefined && example.body !== undefined) Object.assign(content, { example: example.body });
}
