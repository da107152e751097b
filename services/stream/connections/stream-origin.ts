import { traceFactsOf } from "#shared/protocol/traceparent.ts";
import type { Transport } from "#shared/protocol/transports.ts";
import type { Start } from "../log/resume.ts";
import type { Subscription } from "../subscription/parse-subscription.ts";

/** What a request for a stream says of its client: for lines, the connection log, and operators. Never for a decision. */
export interface StreamOrigin {
  /** The road that its frames come by. */
  readonly transport: Transport;
  /** The trace that the request belongs to (W3C Trace Context); undefined where it names none. */
  readonly traceId: string | undefined;
  /** An IPv4 or IPv6 address, whole. */
  readonly address: string;
  /** Up to 256 characters of `User-Agent`. */
  readonly userAgent: string | undefined;
  /** The stable id of its tab or device. */
  readonly client: string | undefined;
  /** Whether it goes on behind an id of its own. */
  readonly isResumed: boolean;
}

/** A request, as far as it says where it comes from. */
interface OriginalRequest {
  readonly traceparent: string | undefined;
  readonly transport: Transport;
  readonly client: Pick<StreamOrigin, "address" | "userAgent">;
}

/** The origin of a stream that begins at `start`. */
export function originOf(
  { client, traceparent, transport }: OriginalRequest,
  subscription: Pick<Subscription, "client" | "lastEventId">,
  start: Start,
): StreamOrigin {
  const isResumed = subscription.lastEventId !== undefined && start.notice?.event !== "reset";
  return { ...client, transport, traceId: traceFactsOf(traceparent).traceId, client: subscription.client, isResumed };
}
