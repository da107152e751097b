import { counterWhenRead, gaugeWhenRead } from "#shared/metrics/counted-when-read.ts";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Admission } from "../admission/admission.ts";
import { POISON_REASONS } from "../event.ts";
import type { SharedCounts } from "#shared/limits/shared-counts.ts";
import { OVERLOAD_STEPS } from "../overload/overload-steps.ts";
import { countDelivery } from "./delivery-metrics.ts";
import { countHandshakes } from "./handshake-metrics.ts";
import { countLives } from "./life-metrics.ts";
import { countTransports } from "./transport-metrics.ts";
import { nameFirst } from "./name-first.ts";
import { type Observer, SUBSCRIPTION_CHANGES } from "./observer.ts";

const MAX_NAMED_TYPES = 100;

/** The edge's own figures. */
export type StreamMetrics = Omit<Observer, "fault" | "began" | "recorded">;

/** Registers the edge's figures. */
export function createStreamMetrics(registry: Registry, admission: Admission, counts: SharedCounts): StreamMetrics {
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]): Counter<Label> =>
    new Counter({ name, help, labelNames, registers });
  const changes = counter("sluice_stream_topic_changes_total", "Changes of the topics of open streams", "kept");
  const notices = counter("sluice_stream_notices_total", "gap and reset frames sent", "event");
  for (const event of ["gap", "reset"]) notices.inc({ event }, 0);
  const poison = counter("sluice_stream_poison_total", "Entries that cannot be shown to anyone", "reason");
  for (const reason of POISON_REASONS) poison.inc({ reason }, 0);
  const disturbed = counter(
    "sluice_stream_feed_disturbed_total",
    "Times a log was inspected again before it was read on",
  );
  const holes = counter(
    "sluice_stream_feed_holes_total",
    "Runs of entries that were gone when a log was read, and were passed",
  );
  describeAdmission(registry, admission, counts);
  return {
    ...countHandshakes(registers),
    caughtUp: timeCatchUp(registers),
    topicsChanged: (isKept) => changes.inc({ kept: isKept ? "client" : "connection" }),
    noticed: (event) => notices.inc({ event }),
    quarantined: ({ reason }) => poison.inc({ reason }),
    ...countDecisions(registry),
    ...countDelivery(registry),
    ...countLives(registry),
    sessionsAsked: countSessionCalls(registers),
    tokenVerified: timeVerification(registers),
    feedDisturbed: () => disturbed.inc(),
    feedHole: () => holes.inc(),
    policyApplied: timePropagation(registers),
    withoutRule: countEventsWithoutRule(registers),
    idle: countIdle(registers),
    peerSwitched: countPeersAway(registers),
    subscriptionChanged: countSubscriptions(registers),
    ...countOverload(registers),
    ...countTransports(registers),
  };
}

function describeAdmission(registry: Registry, admission: Admission, counts: SharedCounts): void {
  const gauge = <Label extends string>(
    name: string,
    help: string,
    set: (gauge: Gauge<Label>) => void,
    ...labelNames: Label[]
  ): void => gaugeWhenRead(registry, { name, help, labelNames }, set);
  gauge("sluice_stream_connections", "Open streams and handshakes", (metric) => metric.set(admission.open));
  const setUsage = (metric: Gauge<"pool">, of: "places" | "taken"): void => {
    for (const usage of admission.pools.usage()) metric.set({ pool: usage.pool }, usage[of]);
  };
  gauge("sluice_stream_pool_places", "Places of each pool", (metric) => setUsage(metric, "places"), "pool");
  gauge(
    "sluice_stream_pool_taken",
    "Places of each pool that are taken",
    (metric) => setUsage(metric, "taken"),
    "pool",
  );
  gauge("sluice_stream_limits_shared", "Workers that count limits together with all others", (metric) =>
    metric.set(counts.isShared ? 1 : 0),
  );
}

function timeCatchUp(registers: Registry[]): StreamMetrics["caughtUp"] {
  const duration = new Histogram({
    name: "sluice_stream_catch_up_seconds",
    help: "How long readers were behind their log before they were live (again)",
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  return (ms) => duration.observe(ms / 1_000);
}

function countSessionCalls(registers: Registry[]): StreamMetrics["sessionsAsked"] {
  const calls = new Counter({
    name: "sluice_stream_session_calls_total",
    help: "Calls of auth about sessions",
    registers,
  });
  const questions = new Counter({
    name: "sluice_stream_session_questions_total",
    help: "Sessions asked about in these calls",
    registers,
  });
  const duration = new Histogram({
    name: "sluice_stream_session_check_seconds",
    help: "How long these calls took, also those that failed",
    buckets: [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3],
    registers,
  });
  return (count, seconds) => {
    calls.inc();
    questions.inc(count);
    duration.observe(seconds);
  };
}

function countPeersAway(registers: Registry[]): StreamMetrics["peerSwitched"] {
  const away = new Gauge({
    name: "sluice_stream_peer_away",
    help: "Processes of the edge that leave this service alone, because it does not answer",
    labelNames: ["peer"],
    registers,
  });
  for (const peer of ["auth", "policy"]) away.set({ peer }, 0);
  return (peer, isAway) => away.set({ peer }, isAway ? 1 : 0);
}

function countSubscriptions(registers: Registry[]): StreamMetrics["subscriptionChanged"] {
  const changes = new Counter({
    name: "sluice_stream_subscriptions_total",
    help: "What happened to durable subscriptions",
    labelNames: ["change"],
    registers,
  });
  for (const change of SUBSCRIPTION_CHANGES) changes.inc({ change }, 0);
  return (change) => changes.inc({ change });
}

function countIdle(registers: Registry[]): StreamMetrics["idle"] {
  const idle = new Gauge({
    name: "sluice_stream_idle_connections",
    help: "Open streams that have had no event for STREAM_IDLE_SECONDS",
    registers,
  });
  return (streams) => idle.set(streams);
}

function countOverload(registers: Registry[]): Pick<StreamMetrics, "overloadEntered" | "overloadLeft"> {
  const taken = new Gauge({
    name: "sluice_stream_overload",
    help: "Processes of the edge that take this step against overload right now",
    labelNames: ["step"],
    registers,
  });
  const entered = new Counter({
    name: "sluice_stream_overload_entered_total",
    help: "Times a step against overload was taken",
    labelNames: ["step"],
    registers,
  });
  for (const step of OVERLOAD_STEPS.slice(1)) {
    taken.set({ step }, 0);
    entered.inc({ step }, 0);
  }
  return {
    overloadEntered(step) {
      taken.set({ step }, 1);
      entered.inc({ step });
    },
    overloadLeft: (step) => taken.set({ step }, 0),
  };
}

/** Producers make up types: only the first 100 have a label of their own. */
function countEventsWithoutRule(registers: Registry[]): StreamMetrics["withoutRule"] {
  const events = new Counter({
    name: "sluice_stream_events_without_rule_total",
    help: "Events that went to nobody, because no rule of the tenant's event map names their type",
    labelNames: ["type"],
    registers,
  });
  const typeLabel = nameFirst(MAX_NAMED_TYPES);
  return (type) => events.inc({ type: typeLabel(type) });
}

function timeVerification(registers: Registry[]): StreamMetrics["tokenVerified"] {
  const duration = new Histogram({
    name: "sluice_stream_token_verify_seconds",
    help: "How long access tokens took to verify, those that did not hold among them; cached: seen before",
    labelNames: ["cached"],
    buckets: [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05],
    registers,
  });
  return (cached, seconds) => duration.observe({ cached: cached ? "yes" : "no" }, seconds);
}

function timePropagation(registers: Registry[]): StreamMetrics["policyApplied"] {
  const duration = new Histogram({
    name: "sluice_stream_policy_propagation_seconds",
    help: "From a change of policy being stored in the tenant's log, by the broker's clock, to its taking effect here, by this host's",
    buckets: [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
    registers,
  });
  // Between two clocks it may be negative.
  return (ms) => duration.observe(Math.max(0, ms) / 1_000);
}

function countDecisions(registry: Registry): Pick<StreamMetrics, "decided" | "decisionAsked"> {
  // Plain numbers: events are decided far more often than metrics are read.
  const decided = { allowed: 0, denied: 0 };
  const decisions = {
    name: "sluice_stream_decisions_total",
    help: "Events decided from memory, once for each audience, and for each reader that is behind",
    labelNames: ["outcome" as const],
  };
  counterWhenRead(registry, decisions, (counter) => {
    counter.inc({ outcome: "allow" }, decided.allowed);
    counter.inc({ outcome: "deny" }, decided.denied);
  });
  const asked = new Counter({
    name: "sluice_stream_decisions_asked_total",
    help: "Decisions that were not known and that policy has answered",
    registers: [registry],
  });
  return {
    decided(verdict) {
      decided[verdict] += 1;
    },
    decisionAsked: () => asked.inc(),
  };
}
