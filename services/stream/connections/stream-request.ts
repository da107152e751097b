import type { Transport } from "#shared/protocol/transports.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import type { FrameFormat } from "../frames/encode-frame.ts";
import type { Subscription } from "../subscription/parse-subscription.ts";
import type { Connection } from "./connection.ts";
import type { StreamOrigin } from "./stream-origin.ts";

/** A request for a stream, as far as `openStream` reads it. */
export interface StreamRequest {
  /** Stands in every line about the stream, and in those of auth and policy about their calls. */
  readonly id: string;
  /** The trace that the request belongs to, where it says so. */
  readonly traceparent: string | undefined;
  /** Aborted when the client leaves before its stream has begun. */
  readonly signal: AbortSignal;
  readonly lastEventId: string | undefined;
  /** The client's address or network, for counting; undefined where it is this host's own. */
  readonly address: string | undefined;
  /** What operators get to read of the client. */
  readonly client: Pick<StreamOrigin, "address" | "userAgent">;
  /** Reads the parameters; nothing of the URL is kept afterwards. */
  takeQuery(): URLSearchParams;
  /** Finds the access token, to be verified by the call that is answered. Both throw AppError with the refusal. */
  findToken(query: URLSearchParams): () => Promise<VerifiedClaims>;
  /** Whether the client is still there. */
  isGone(): boolean;
  /** The road that the stream's frames come by, and how they are told apart on it. */
  readonly transport: Transport;
  readonly framing: FrameFormat["framing"];
  /** Takes what the road writes to; the head of its answer leaves with the first frame. */
  accept(connectionId: string, subscription: Pick<Subscription, "answer" | "lastEventId" | "client">): Connection;
}
