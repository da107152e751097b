import { randomBytes } from "node:crypto";
import { MAX_HOSTS_LISTED } from "#shared/contract/edge-questions.ts";
import { toAppError } from "#shared/errors/app-error.ts";
import { type OpsAddress, startOpsServer } from "#shared/http/ops-server.ts";
import { watchReadiness } from "#shared/lifecycle/readiness.ts";
import type { RunningService } from "#shared/lifecycle/run-service.ts";
import { VERSION } from "#shared/lifecycle/version.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { openTracer } from "#shared/trace/open-tracer.ts";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { createLogCheck } from "#shared/nats/check-log.ts";
import { connectNats, drainNats } from "#shared/nats/connect-nats.ts";
import { ownersAsSessions } from "../access/owners-as-sessions.ts";
import { answerCallbackQuestions } from "../bus/callback-questions.ts";
import { watchCallbacks } from "../bus/watch-callbacks.ts";
import { workerOf } from "../call-connection.ts";
import type { StreamConfig } from "../config.ts";
import type { AskedCallback } from "../connections/subscriptions.ts";
import { bye } from "../connections/end-stream.ts";
import { drain } from "../connections/end-streams.ts";
import { startKeepAlive } from "../connections/keep-alive.ts";
import { lifetimesOf } from "../connections/lifetimes.ts";
import type { SubscriptionRecord } from "../durable/record.ts";
import type { SubscriptionKey } from "../durable/subscription-store.ts";
import { deleteSubscription } from "../manage-subscription.ts";
import { observeWebhooks } from "../observe/webhook-metrics.ts";
import { openWebhook, ownerOf, type TakenCallback } from "../open-webhook.ts";
import { faultOfCallback } from "../webhooks/callback-url.ts";
import { openPoster } from "../webhooks/http/post.ts";
import { Lanes } from "../webhooks/lanes.ts";
import { createWebhookLines, type WebhookLines } from "../webhooks/webhook-lines.ts";
import { followSecrets, type WebhookSecrets } from "../webhooks/follow-secrets.ts";
import { ServeWebhooks } from "../webhooks/serve-webhooks.ts";
import type { MessageSigner } from "../webhooks/sign-message.ts";
import { WebhookConnection, type WebhookDeps } from "../webhooks/webhook-connection.ts";
import { laneLimitsOf } from "../webhooks/webhook-settings.ts";
import type { EdgeParts } from "./edge-parts.ts";
import type { HomeParts } from "./home-parts.ts";
import { openDelivery } from "./open-delivery.ts";
import { openOperations } from "./open-operations.ts";
import { openShared } from "./open-shared.ts";

type Delivery = Awaited<ReturnType<typeof openDelivery>>;

/**
 * Starts the process that posts webhooks. Disposing it waits for the answers that are under way, and lets go of all subscriptions:
 * another process takes them.
 */
export async function startWebhooks(
  config: StreamConfig,
  ops: OpsAddress,
  processLog: Logger,
  { now, wall }: Pick<EdgeParts, "now" | "wall">,
): Promise<RunningService> {
  await using stack = new AsyncDisposableStack();
  const workerId = randomBytes(6).toString("hex");
  const log = processLog.child({ "service.instance.id": workerId });
  const registry = createMetricsRegistry();
  const tracer = stack.use(await openTracer("stream", config, { registry, log }));
  const nats = await connectNats(config, "stream", log);
  stack.defer(() => drainNats(nats));
  const requestLog = stack.use(limitLines(log));
  const common: EdgeParts = { config: settingsOf(config), registry, log, requestLog, tracer, workerId, now, wall };
  const parts: HomeParts = { ...common, nats, home: undefined, shared: await openShared(common, stack) };
  const edge = await openDelivery(parts, stack, (auth) => ownersAsSessions(auth.find));
  stack.use(startKeepAlive(edge.hub, { ...edge, lifetimes: lifetimesOf(parts.config) }));
  const secrets = stack.use(await followSecrets(config.STREAM_WEBHOOK_SECRETS_FILE, log));
  const lines = createWebhookLines(requestLog);
  const posting = openPosting(parts, stack, { edge, secrets, lines, counts: () => serving.counts });
  const hostsOf = (tenant: string) => posting.lanes.troubles(tenant, MAX_HOSTS_LISTED);
  stack.defer(() => drain(edge.admission, edge.hub, config.STREAM_DRAIN_MS));
  const serving = stack.use(
    new ServeWebhooks({
      open: (key) => openWebhook(edge, key, (taken) => new WebhookConnection(taken, posting)),
      isHeld: (key, connectionId) => isHeld(edge, key, connectionId),
      workerOf,
      observer: lines,
      now,
    }),
  );
  stack.use(answerCallbackQuestions(nats, (asked) => faultOf(asked, config, secrets)));
  stack.use(watchCallbacks(edge.bus, serving, log));
  const checks = { log_unusable: createLogCheck(nats) };
  const { reasons } = stack.use(watchReadiness(checks, log, { isServing: () => !edge.admission.isDraining }));
  const { connections } = openOperations(parts, stack, edge, { hostsOf });
  const pages = { "/debug/connections": connections };
  const server = stack.use(await startOpsServer(ops, { service: "stream", config, metrics: registry, reasons, pages }));
  log.info({ version: VERSION, http: 0, grpc: 0, ops: server.port }, "ready");
  return stack.move();
}

/** Whoever is not connected neither leaves nor grows old; and nothing is counted with the edges, which would wait for it to say who listens. */
function settingsOf(config: StreamConfig): StreamConfig {
  const endless = { STREAM_IDLE_SECONDS: 0, STREAM_IDLE_END_SECONDS: 0, STREAM_MAX_AGE_SECONDS: 0 };
  return { ...config, ...endless, REDIS_URL: undefined };
}

/** Opens what connections to callbacks are made with, until the stack ends it. */
function openPosting(
  { config, registry, now, wall }: EdgeParts,
  stack: AsyncDisposableStack,
  {
    edge,
    secrets,
    lines,
    counts,
  }: {
    readonly edge: Delivery;
    readonly secrets: WebhookSecrets;
    readonly lines: WebhookLines;
    readonly counts: () => ServeWebhooks["counts"];
  },
): WebhookDeps {
  const { STREAM_WEBHOOK_HOSTS: listed, STREAM_WEBHOOK_TIMEOUT_MS: timeoutMs, STREAM_WEBHOOK_POSTS: posts } = config;
  const lanes = new Lanes({ ...laneLimitsOf(posts), now, onSwitch: (...news) => lines.switched(...news) });
  const metrics = observeWebhooks(registry, counts, () => lanes.away);
  return {
    lanes,
    poster: stack.use(openPoster({ listed, timeoutMs })),
    signerOf: (taken) => signerOf(secrets, taken),
    onGone: (taken) => void deleteGone(edge, taken, lines),
    observer: { ...lines, ...metrics },
    now,
    wall,
  };
}

function faultOf(
  asked: AskedCallback,
  { STREAM_WEBHOOK_HOSTS: listed }: Pick<StreamConfig, "STREAM_WEBHOOK_HOSTS">,
  secrets: WebhookSecrets,
): string | undefined {
  const fault = faultOfCallback(asked.url, listed);
  if (fault !== undefined) return `deliver.url: ${fault}`;
  const found = secrets.find(asked);
  return typeof found === "string" ? `deliver.secretRef: ${found}` : undefined;
}

function signerOf(secrets: WebhookSecrets, { hold, callback }: TakenCallback): MessageSigner | undefined {
  const found = secrets.find({ ...hold.key, ...callback });
  return typeof found === "string" ? undefined : found;
}

async function isHeld({ subscriptions }: Delivery, key: SubscriptionKey, connectionId: string): Promise<boolean> {
  const question = { kind: "subscription", connectionId, identity: ownerOf(key), name: key.name } as const;
  try {
    await subscriptions.callHolder({ ...question, command: { do: "look" } });
    return true;
  } catch (error) {
    return toAppError(error).code !== "not_found";
  }
}

/**
 * Where it cannot be deleted now, the callback is asked once more by whoever takes it next. An owner who knew before that it would be
 * gone may have named another one meanwhile: that one stays.
 */
async function deleteGone(
  edge: Delivery,
  { hold, callback, registration }: TakenCallback,
  lines: WebhookLines,
): Promise<void> {
  const connectionId = hold.record.holder?.connectionId ?? "";
  const isMeant = ({ definition: { deliver } }: SubscriptionRecord): boolean =>
    JSON.stringify(deliver) === JSON.stringify(callback);
  try {
    await deleteSubscription(edge, { identity: registration.identity, name: hold.key.name }, isMeant);
    lines.gone(hold.key);
  } catch (error) {
    if (toAppError(error).code === "internal") edge.observer.fault(error);
    const reader = edge.hub.find(connectionId)?.reader;
    reader?.end(bye("changed", reader.retryMs));
  }
}
