import type { EdgeCalls } from "./edge-calls.ts";
import { ProblemError } from "./problem-error.ts";

/**
 * Has another tab's connection go on by this tab's cookie: false where it is another person's. A page cannot read its cookie, but
 * the edge can.
 * @throws {ProblemError} when there is no answer to that.
 */
export async function proveOwner(edge: EdgeCalls, connectionId: string): Promise<boolean> {
  try {
    await edge.call(`/v1/streams/${connectionId}/token`);
    return true;
  } catch (error) {
    if (error instanceof ProblemError && (error.status === 403 || error.status === 404)) return false;
    throw error;
  }
}
