import { expect, test } from "vitest";
import { findImports, isTest, readSources } from "./read-sources.ts";

/**
 * What may write lines without a limit: each tells something of the service itself, when it changes. All else is caused by
 * requests and entries, and has a `LimitedLog` alone: strangers decide how many there are.
 */
const UNLIMITED = [
  // Starts, stops and readiness, workers, and settings.
  /\/(app|run-service|worker-pool|start-workers|check-kernel|max-streams)\.ts$|\/app\//,
  // Files that are watched.
  /\/(watch-tls|watch-tls-files|watch-users|watch-documents|watch-files|operator-tokens|client-certificate|token-verifier|follow-schemas|follow-secrets)\.ts$/,
  // Servers and stores that are out of reach and come back, once each time.
  /\/(watch-redis|create-redis|open-count-store|open-topic-store|open-admission|share-counts|withdrawn-keys|follow-key-ring|own-keys|trust-outside|trouble-log|open-tenant|feed|watch-callbacks|open-tracer|report-spans|await-seat|follow-mirrors)\.ts$/,
  // Loops of policy, each at its own pace.
  /\/(collect-parts|share-connections-log|policy-kv|subscriptions-kv|end-bindings|check-tenants|reconcile-tenants)\.ts$/,
  // What makes the limit, and what limits itself: by tenant and second, or by type and minute.
  /\/(limit-lines|grpc-security|append-audit|connect-nats|open-audit-trail|report-poison|report-types|create-observer)\.ts$/,
];

test("what requests cause is logged within limits", () => {
  const shipped = readSources("services/").filter((source) => !isTest(source));
  const wrong = findImports(
    shipped,
    ({ path }, { file = "" }) => file.endsWith("log/create-logger.ts") && !UNLIMITED.some((each) => each.test(path)),
  );
  expect(wrong).toEqual([]);
});
