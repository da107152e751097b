import { AppError } from "#shared/errors/app-error.ts";
import { parseScope, type Scope } from "#shared/protocol/scope.ts";

const HOW =
  "the scope must be up to 32 permissions such as order:read with one space between, each with @ and a topic pattern " +
  "where it is limited to topics: order:read@order.*.42";

/**
 * Reads the scope that a request asks for; undefined where it asks for none.
 * @throws {AppError} `scope_invalid`.
 */
export function readScope(text: string | undefined): Scope | undefined {
  const scope = text === undefined ? undefined : parseScope(text);
  if (scope === undefined && text !== undefined) throw new AppError("scope_invalid", HOW);
  return scope;
}
