import type { Context } from "hono";
import { AppError } from "#shared/errors/app-error.ts";

/** How much of a body is read. */
export interface LineLimits {
  /** The whole body, in bytes. */
  readonly maxBytes: number;
  /** One line, in characters. */
  readonly maxLineLength: number;
}

/**
 * The lines of a request's body, as they come: it is never in memory as a whole.
 * @throws {AppError} `body_too_large`; `malformed_request` where it is not UTF-8.
 */
export async function* readLines(c: Context, { maxBytes, maxLineLength }: LineLimits): AsyncGenerator<string> {
  const decode = utf8Decoder();
  let bytes = 0;
  let open = "";
  for await (const chunk of c.req.raw.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new AppError("body_too_large", `the body may have ${maxBytes} bytes`);
    const lines = (open + decode(chunk)).split("\n");
    open = lines.pop() ?? "";
    if (open.length > maxLineLength) throw lineTooLong(maxLineLength);
    for (const line of lines) {
      if (line.length > maxLineLength) throw lineTooLong(maxLineLength);
      yield line;
    }
  }
  const last = open + decode();
  if (last !== "") yield last;
}

function lineTooLong(maxLineLength: number): AppError {
  return new AppError("body_too_large", `a line of the body may have ${maxLineLength} characters`);
}

function utf8Decoder(): (chunk?: Uint8Array) => string {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  return (chunk) => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      throw new AppError("malformed_request", "the body must be UTF-8");
    }
  };
}
