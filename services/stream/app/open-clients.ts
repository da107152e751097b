import { openGrpcSecurity } from "#shared/grpc/grpc-security.ts";
import { traceGrpc } from "#shared/grpc/trace-calls.ts";
import type { AuthTime } from "#shared/tokens/auth-time.ts";
import { shareTopicLists } from "../access/share-topic-lists.ts";
import { announceOnBus } from "../bus/topic-announcements.ts";
import { GrpcDecider } from "../clients/decider.ts";
import { topicsNamedBy } from "../clients/open-topic-store.ts";
import { GrpcSessionChecker } from "../clients/session-checker.ts";
import { ClientStreams } from "../connections/client-streams.ts";
import type { Edge } from "../open-stream.ts";
import { nameWithin } from "#shared/homes/name-within.ts";
import type { HomeParts } from "./home-parts.ts";

/** Opens the calls of auth and policy, until the stack ends them. */
export async function openClients(
  { config, log, tracer, now }: HomeParts,
  stack: AsyncDisposableStack,
  deps: Pick<Edge, "observer"> & { readonly authTime: AuthTime },
) {
  const security = stack.use(traceGrpc(await openGrpcSecurity(config, "stream.sluice", log), tracer));
  const asking = { ...deps, now };
  const auth = stack.use(new GrpcSessionChecker(config.AUTH_GRPC_URL, security.channelTo("auth.sluice"), asking));
  const policyChannel = security.channelTo("policy.sluice");
  return { auth, decider: stack.use(new GrpcDecider(config.POLICY_GRPC_URL, policyChannel, asking)) };
}

/** What the edge's HTTP servers and streams call directly. */
export function callsOf({ renew, bindToken, askTime }: GrpcSessionChecker, decider: GrpcDecider) {
  return { renew, bindToken, askTime, decider, mapResource: decider.mapResource };
}

/** What changes of topics need, and the place where clients' topics are kept. */
export function topicsOf({ nats, home, shared }: HomeParts, { retryDelays }: Pick<Edge, "retryDelays">) {
  return {
    shareTopics: shareTopicLists(),
    topicStore: topicsNamedBy(nameWithin(home), shared.topicStore),
    clientStreams: new ClientStreams(retryDelays),
    announceTopics: announceOnBus(nats),
  };
}
