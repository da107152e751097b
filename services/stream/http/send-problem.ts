import type { ServerResponse } from "node:http";
import type { AppError } from "#shared/errors/app-error.ts";
import { problemOf } from "#shared/http/problem.ts";

/** Answers with a failure, as `application/problem+json`. */
export function sendProblem(response: ServerResponse, error: AppError): void {
  const { status, headers, body } = problemOf(error);
  response.writeHead(status, headers).end(body);
}
