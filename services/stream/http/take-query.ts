import type { IncomingMessage } from "node:http";

/**
 * The parameters of a request's target. The request has no target afterwards: node:http would keep its text, 5 KB with a hundred
 * topics, as long as the request is being answered.
 */
export function takeQuery(request: Pick<IncomingMessage, "url">): URLSearchParams {
  const { searchParams } = new URL(request.url ?? "", "http://edge");
  request.url = "";
  return searchParams;
}
