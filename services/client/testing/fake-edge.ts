import type { BusyReason } from "../../shared/protocol/busy-reasons.ts";
import type { ErrorCode } from "../../shared/protocol/problem-codes.ts";
import type { AskedRequest } from "./asked-request.ts";
import { MemoryEdge } from "./memory-edge.ts";

export type { AskedRequest } from "./asked-request.ts";

/** An edge in memory for tests of what uses the client: it writes the frames that an edge writes, when the test says so. */
export interface FakeEdge {
  /** Answers requests: put it in place of the global `fetch`. */
  readonly fetch: typeof fetch;
  /** Every request so far. */
  readonly requests: readonly AskedRequest[];
  /** What was published through `publish`. */
  readonly published: readonly unknown[];
  /** The ids of the durable subscription's events that were acknowledged. */
  readonly acknowledged: readonly string[];
  /** The topics of each open stream. */
  readonly streams: readonly (readonly string[])[];
  /** Answers once so many streams are open; one by default. */
  opened(count?: number): Promise<void>;
  /** Stores an event, and delivers it to the streams that ask for its topic; answers its id. */
  emit(topic: string, data: unknown): string;
  /** Says that events may be missing. */
  gap(reason?: "retention" | "purged" | "erased"): void;
  /** Says that the clients' ids mean nothing here. */
  reset(reason?: "epoch" | "tail_lost" | "unknown_id"): void;
  /** Says that delivery stands still, or goes on. */
  degraded(reason?: "log" | "region" | "authorization" | "history"): void;
  recovered(reason?: "log" | "region" | "authorization" | "history"): void;
  /** Ends the right to all open streams. */
  end(reason: "expired" | "revoked" | "forbidden"): void;
  /** Ends all open streams in good order: clients come back. */
  bye(reason?: "drain" | "max_age" | "closed"): void;
  /** Breaks all open streams off. */
  cut(): void;
  /** Tells the next client that asks for a stream to come back later. */
  busy(reason?: BusyReason): void;
  /** Answers the next request of this path with a problem document. */
  refuse(path: string, code: ErrorCode): void;
}

/** Makes an edge that has no streams and no events, for the streams of this person. */
export function createFakeEdge(subject = "alice"): FakeEdge {
  return new MemoryEdge(subject);
}
