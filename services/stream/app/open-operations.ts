import type { CarriedOut, Delivering, OpenConnection } from "#shared/contract/edge-questions.ts";
import { toAppError } from "#shared/errors/app-error.ts";
import { serveQuestions } from "../bus/edge-questions.ts";
import { lifetimesOf } from "../connections/lifetimes.ts";
import { answerQuestion, type CommandAsked, describeStreams } from "../connections/questions/answer-question.ts";
import { commandForOperator, type SubscriptionDeps } from "../manage-subscription.ts";
import type { ClientHealth } from "../observe/client-health.ts";
import { startNodeFigures } from "../observe/node-figures.ts";
import { ownerOf } from "../open-webhook.ts";
import { createWallTimes } from "../presence/wall-times.ts";
import type { HomeParts } from "./home-parts.ts";
import type { RunningEdge } from "./open-edge.ts";

/** What a process sees of the other ends, where it has any. */
interface Seen {
  readonly clients?: ClientHealth;
  /** The hosts that do not take a tenant's webhooks. */
  readonly hostsOf?: (tenant: string) => Delivering["hosts"];
}

/**
 * Answers what operators ask about this worker over the bus, carries out what they ask of durable subscriptions, until the stack ends it;
 * and describes its streams for the operations port.
 */
export function openOperations(
  { config, nats, workerId, now, wall }: HomeParts,
  stack: AsyncDisposableStack,
  edge: SubscriptionDeps & Pick<RunningEdge, "hub" | "admission" | "overload" | "observer">,
  { clients, hostsOf = () => [] }: Seen = {},
): { readonly connections: () => Promise<OpenConnection[]> } {
  const { hub, admission, overload, observer } = edge;
  const figures = stack.use(startNodeFigures(now));
  const describing = { now, wallOf: createWallTimes({ now, wall }), lifetimes: lifetimesOf(config) };
  const describeNode = () => ({
    ...figures.read(),
    streams: hub.size,
    maxStreams: config.STREAM_MAX_CONNECTIONS,
    feeds: hub.feeds,
    isDraining: admission.isDraining,
    overloadStep: overload.step === "calm" ? null : overload.step,
  });
  const { expiresMs, archivesMs } = edge.subscriptions.context().life;
  const life = { expiresSeconds: expiresMs / 1_000, archivesSeconds: archivesMs / 1_000 };
  const describeDelivering = (tenant: string): Delivering => ({ ...life, hosts: hostsOf(tenant) });
  const carryOut = (asked: CommandAsked): Promise<CarriedOut> =>
    commandForOperator(edge, { identity: ownerOf(asked), name: asked.name }, asked.command).catch((error: unknown) =>
      refusalOf(error, observer),
    );
  const readClients = () => clients?.read() ?? { seconds: 0, rows: [] };
  const deps = { ...describing, hub, describeNode, readClients, describeDelivering, carryOut };
  stack.use(serveQuestions({ nats, workerId, observer, answer: (question) => answerQuestion(question, deps) }));
  return { connections: () => describeStreams(hub, describing) };
}

const EXPECTED = ["not_found", "unavailable", "subscription_unreadable"] as const;

/** What nobody expected is told without its words, which are for this edge's log. */
function refusalOf(error: unknown, observer: Pick<RunningEdge["observer"], "fault">): CarriedOut {
  const { code, message } = toAppError(error);
  const refused = EXPECTED.find((expected) => expected === code);
  if (refused !== undefined) return { refused, message };
  observer.fault(error);
  return { refused: "internal", message: "something went wrong at the edge" };
}
