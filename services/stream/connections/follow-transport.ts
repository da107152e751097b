import type { TransportHealth } from "../transports/transport-health.ts";
import type { Reader } from "./reader.ts";

/** The edge, as far as it learns from streams whether their transports work. */
export interface FollowTransportDeps {
  readonly transportHealth: Pick<TransportHealth, "opened" | "left">;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
}

/** Tells that a stream has begun that a request asked for, and whether its client leaves it. */
export function followTransport(reader: Reader, { transportHealth, now }: FollowTransportDeps): void {
  const { registration, record, openedAt } = reader;
  const { origin } = record;
  if (origin === undefined) return;
  const { tenant, subject, sid } = registration.identity;
  const use = { transport: origin.transport, tenant, subject: subject.id, client: origin.client ?? sid };
  transportHealth.opened(use);
  if (origin.transport === "sse") return;
  const note = (): void => {
    const isLeft = reader.endedBy === undefined || reader.endedBy.reason === "gone";
    if (isLeft) transportHealth.left(use, now() - openedAt);
  };
  void reader.connection.closed.then(note);
}
