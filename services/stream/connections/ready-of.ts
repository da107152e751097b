import type { ControlData } from "#shared/protocol/control-frames.ts";
import type { TopicGrant } from "../access/registration.ts";
import type { ClaimedTopics } from "./claim-topics.ts";
import { expiresAt, type KeepAliveDeps } from "./keep-alive.ts";
import type { Reader } from "./reader.ts";

/** What a stream is told first: who it is for, what it gets, and how long that holds. */
export function readyOf(
  edge: KeepAliveDeps,
  { ids, registration }: Reader,
  presence: readonly TopicGrant[] | undefined,
  claimed: ClaimedTopics | undefined,
): ControlData["ready"] {
  const { identity, topicGrants } = registration;
  return {
    connectionId: ids.connectionId,
    tenant: identity.tenant,
    subject: identity.subject.id,
    topics: topicGrants,
    expiresAt: expiresAt(registration, edge),
    ...(claimed && { restored: claimed.isRestored }),
    ...(presence && { presence }),
  };
}
