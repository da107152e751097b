import type { OpenConnection } from "#shared/contract/edge-questions.ts";

/** An open stream as a worker tells of it; `more` overrides. */
export function openConnection(more: Partial<OpenConnection>): OpenConnection {
  return {
    id: "w1-a",
    requestId: "r-1",
    tenant: "acme",
    subject: "alice",
    sid: "s1",
    transport: "sse",
    client: null,
    subscription: null,
    address: "127.0.0.1",
    userAgent: null,
    topics: [{ topic: "order.>", granted: true }],
    state: "live",
    waitsFor: null,
    lastId: "e.1.0",
    horizon: "e.1.0",
    openedAt: "2026-01-01T00:00:00.000Z",
    events: 0,
    bytes: 0,
    quietForSeconds: 0,
    idle: false,
    ...more,
  };
}
