import type { IncomingMessage } from "node:http";
import type { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";
import { parseBody } from "#shared/http/parse-body.ts";

/**
 * The request's JSON body, checked; an empty one counts as `{}`.
 * @throws {AppError} `body_too_large`, after which the connection cannot be used again; `malformed_request`.
 */
export async function readJson<Schema extends z.ZodType>(
  request: IncomingMessage,
  maxBytes: number,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // An iterator that destroyed the request on its early end would take the socket that the refusal is written to.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new AppError("body_too_large", `the body may have ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return parseBody(bytes === 0 ? "{}" : Buffer.concat(chunks).toString(), schema);
}
