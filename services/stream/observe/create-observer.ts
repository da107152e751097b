import type { Logger } from "#shared/log/create-logger.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import { logRefusal } from "#shared/log/request-log.ts";
import type { StreamMetrics } from "./metrics.ts";
import type { RecordConnection } from "./connection-record.ts";
import type { Observer, StreamFacts } from "./observer.ts";
import { Reconnects } from "./reconnects.ts";
import { reportPoison } from "./report-poison.ts";
import { reportTypes } from "./report-types.ts";

/** Where what is observed is written. */
export interface ObserverLogs {
  readonly log: Logger;
  readonly requestLog: LimitedLog;
  readonly record: RecordConnection;
}

/** Counts everything, and logs what an operator should see. */
export function createObserver(
  metrics: StreamMetrics,
  { log, requestLog, record }: ObserverLogs,
  now: () => number,
): Observer {
  const report = reportPoison(log, now);
  const reportWithoutRule = reportTypes(log, now);
  const reconnects = new Reconnects(now);
  return {
    ...metrics,
    quarantined(poison) {
      metrics.quarantined(poison);
      report(poison);
    },
    turnedAway(reason) {
      metrics.turnedAway(reason);
      requestLog.write("info", `turned away: ${reason}`, { reason }, "a request was turned away unread");
    },
    refused(error, request) {
      metrics.refused(error, request);
      logRefusal(requestLog, error, request);
    },
    opened(stream) {
      metrics.opened(stream);
      if (stream.transport !== "poll") reconnects.count(stream);
    },
    began: (stream) => requestLog.write(levelOf(stream), "opened", stream, "a stream was opened"),
    recorded: record,
    ended(reason, stream, seconds, written) {
      metrics.ended(reason, stream, seconds, written);
      const facts = { ...stream, reason, seconds, ...written, reconnectsLastHour: reconnects.lastHour(stream) };
      requestLog.write(levelOf(stream), `ended: ${reason}`, facts, "a stream ended");
    },
    ...observeSwitches(metrics, log),
    subscriptionChanged(change, { tenant, subject, name }) {
      metrics.subscriptionChanged(change, { tenant, subject, name });
      const facts = { tenant, subject, subscription: name, change };
      requestLog.write("info", `subscription ${change}`, facts, "a durable subscription changed");
    },
    withoutRule(type, tenant) {
      metrics.withoutRule(type, tenant);
      reportWithoutRule(type, tenant);
    },
    fault(error, stream) {
      requestLog.write("error", "fault", { ...stream, err: error }, "a stream failed in an unexpected way");
    },
  };
}

/** What the edge switches by itself, which an operator should see each time. */
function observeSwitches(
  metrics: StreamMetrics,
  log: Logger,
): Pick<Observer, "overloadEntered" | "overloadLeft" | "peerSwitched" | "transportSwitched"> {
  return {
    peerSwitched(peer, isAway) {
      metrics.peerSwitched(peer, isAway);
      if (isAway) log.warn({ peer }, "a service does not answer: it is left alone, but for a probe each second");
      else log.info({ peer }, "the service answers again");
    },
    overloadEntered(step, load) {
      metrics.overloadEntered(step, load);
      log.warn({ step, ...load }, "overloaded: the edge takes this step, too");
    },
    overloadLeft(step, load) {
      metrics.overloadLeft(step, load);
      log.info({ step, ...load }, "calm for 5 s: the edge takes this step back");
    },
    transportSwitched(transport, tenant, isAway, count) {
      metrics.transportSwitched(transport, tenant, isAway, count);
      const facts = { transport, tenant, ...count };
      if (isAway)
        log.warn(facts, "a transport fails for clients of this tenant: they are not sent there, but for a few");
      else log.info(facts, "the transport works again for clients of this tenant");
    },
  };
}

/** A client that polls begins and ends a stream with each answer, twice a second perhaps. */
function levelOf({ transport }: Pick<StreamFacts, "transport">): "debug" | "info" {
  return transport === "poll" ? "debug" : "info";
}
