import type { ServerResponse } from "node:http";
import type { AppError } from "#shared/errors/app-error.ts";
import { problemOf } from "./problem.ts";

/** Answers a request with its failure, as `application/problem+json`. */
export function sendProblem(response: ServerResponse, error: AppError, requestId: string): void {
  const { status, headers, body } = problemOf(error, requestId);
  response.writeHead(status, headers).end(body);
}
