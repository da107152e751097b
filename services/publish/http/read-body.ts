import type { IncomingMessage } from "node:http";
import { AppError } from "#shared/errors/app-error.ts";

/**
 * Reads a request's body from its socket. The Fetch API's streams cost a third of all that a request costs, 170 µs.
 * @throws {AppError} `body_too_large`, once it is; the rest is not read.
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const body = Promise.withResolvers<Buffer>();
  const tooLarge = (): AppError => new AppError("body_too_large", `the body may have ${maxBytes} bytes`);
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) body.reject(tooLarge());
  else collect(request, maxBytes, body, tooLarge);
  return body.promise;
}

function collect(
  request: IncomingMessage,
  maxBytes: number,
  { resolve, reject }: PromiseWithResolvers<Buffer>,
  tooLarge: () => AppError,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes <= maxBytes) return void chunks.push(chunk);
    request.off("data", onData).pause();
    reject(tooLarge());
  };
  request.on("data", onData).once("end", () => resolve(Buffer.concat(chunks)));
  request.once("error", reject).once("close", () => reject(new Error("the client went away")));
}
