import type { MiddlewareHandler } from "hono";
import { findTargetHandler } from "hono/utils/handler";
import type { z } from "zod";
import type { ErrorCode } from "#shared/protocol/problem-codes.ts";
import type { Credential } from "./credentials.ts";

/** What a call takes and answers, for the description of the API; the schemas are those that the call itself parses by. */
export interface CallDescription {
  /** Its name in generated clients; each call of a service has another. */
  readonly id: string;
  /** The group that it is listed in. */
  readonly tag: string;
  /** What it does, in one line. */
  readonly summary: string;
  readonly about?: string;
  /**
   * What the request may be authorized by: any one of these; nothing where the list is empty. `body`: by what its body says; `nothing`: it
   * need not be.
   */
  readonly by: readonly (Credential | "body" | "nothing")[];
  /** By the names in the path. */
  readonly path?: Parameters;
  readonly query?: Parameters;
  /** The parameters of the query that must be there. */
  readonly required?: readonly string[];
  /** By lower-case name. */
  readonly headers?: Parameters;
  readonly body?: BodyDescription;
  /** By status. Refusals are not among them: `errors` says those. */
  readonly answers: Readonly<Record<number, AnswerDescription>>;
  /** The codes of its refusals, beside those that any call may end with. */
  readonly errors: readonly ErrorCode[];
  /** The form of its refusals where they are no problem documents. */
  readonly refusals?: RefusalForm;
  readonly example: CallExample;
}

/** Parameters by name, each with the schema that reads its text. */
export type Parameters = Readonly<Record<string, z.ZodType>>;

/** The body of a request. */
export interface BodyDescription {
  /** By media type. */
  readonly content: Readonly<Record<string, z.ZodType>>;
  /** Whether a request may come without one. */
  readonly isOptional?: true;
}

/** An answer that is no refusal. */
export interface AnswerDescription {
  readonly is: string;
  /** By media type; absent where the answer has no body. */
  readonly content?: Readonly<Record<string, z.ZodType>>;
  /** What its headers say, by name. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** How a call says its refusals, where another standard has a form for them. */
export interface RefusalForm {
  readonly schema: z.ZodType;
  readonly statusOf: (code: ErrorCode) => number;
}

/** A request that a test makes, and the status that it gets. */
export interface CallExample {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | readonly string[]>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly status: number;
}

const DESCRIPTION = Symbol("the description of a call");

/** What a route may say of itself: the description of a call, or that it is a page for people. */
type RouteDescription = CallDescription | "page";

/** Says what a route is, where it is added: `api.get(path, describeCall({…}), handler)`. It does nothing to requests. */
export function describeCall(description: RouteDescription): MiddlewareHandler {
  // Each description needs a function of its own to stand on.
  return Object.assign(passOn.bind(undefined), { [DESCRIPTION]: description });
}

const passOn: MiddlewareHandler = (_, next) => next();

/** The description that a handler of a route carries; undefined where it carries none. */
export function descriptionOf(handler: unknown): RouteDescription | undefined {
  return (findTargetHandler(handler as MiddlewareHandler) as { readonly [DESCRIPTION]?: RouteDescription })[
    DESCRIPTION
  ];
}

/** The body of a call that takes JSON. */
export function jsonBody(schema: z.ZodType): BodyDescription {
  return { content: { "application/json": schema } };
}

/** An answer of JSON. */
export function jsonAnswer(
  is: string,
  schema: z.ZodType,
  headers?: Readonly<Record<string, string>>,
): AnswerDescription {
  return { is, content: { "application/json": schema }, ...(headers && { headers }) };
}
