import type { IncomingMessage } from "node:http";

/** Whether a client says by `X-Sluice-Client` that it reads statuses. */
export function isDeclared({ headers }: Pick<IncomingMessage, "headers">): boolean {
  return headers["x-sluice-client"] !== undefined;
}
