import { inspect } from "node:util";

/**
 * The names of a line's fields by their names in the code. Where the semantic conventions of OpenTelemetry have a name, it is that one.
 * docs/reference/logs.md says what each means.
 */
export const LINE_FIELDS = {
  // What the conventions name.
  subject: "user.id",
  sid: "session.id",
  address: "client.address",
  userAgent: "user_agent.original",
  method: "http.request.method",
  path: "url.path",
  status: "http.response.status_code",
  rpc: "rpc.method",
  code: "error.type",
  detail: "error.message",
  traceId: "trace_id",
  spanId: "span_id",
  spans: "spans",
  version: "service.version",
  file: "file.path",
  eventType: "cloudevents.event_type",
  pid: "process.pid",
  // A request, and whose it is.
  requestId: "requestId",
  requestIds: "requestIds",
  tenant: "tenant",
  home: "home",
  ms: "ms",
  cause: "cause",
  reason: "reason",
  // A stream.
  connectionId: "connectionId",
  transport: "sluice.transport",
  clientId: "clientId",
  subscription: "subscription",
  resumedFrom: "resumedFrom",
  caughtUpMs: "caughtUpMs",
  caughtUpEntries: "caughtUpEntries",
  seconds: "seconds",
  events: "events",
  bytes: "bytes",
  reconnectsLastHour: "reconnectsLastHour",
  change: "change",
  // A token, and why it does not hold.
  kid: "kid",
  issuer: "issuer",
  issuers: "issuers",
  claim: "claim",
  iss: "iss",
  alg: "alg",
  typ: "typ",
  url: "url",
  named: "named",
  step: "step",
  origin: "origin",
  // The log, and what is kept.
  seq: "seq",
  unreported: "unreported",
  entry: "entry",
  entries: "entries",
  record: "record",
  hash: "hash",
  faults: "faults",
  stream: "stream",
  region: "region",
  // A service and its peers.
  http: "http",
  https: "https",
  grpc: "grpc",
  ops: "ops",
  port: "port",
  peer: "peer",
  server: "server",
  fault: "fault",
  users: "users",
  operators: "operators",
  tenants: "tenants",
  watches: "watches",
  stopMs: "stopMs",
  maxBytes: "maxBytes",
  worker: "worker",
  workers: "workers",
  how: "how",
  waitMs: "waitMs",
  // Its settings, and the load on it.
  environment: "environment",
  demo: "demo",
  default: "default",
  variable: "variable",
  nearest: "nearest",
  setting: "setting",
  value: "value",
  wanted: "wanted",
  possible: "possible",
  loopDelayMs: "loopDelayMs",
  memory: "memory",
  descriptors: "descriptors",
  // The number of lines of a kind that were left out.
  kind: "kind",
  leftOut: "leftOut",
} as const;

/** What each line has, whatever it is about. */
export const COMMON_FIELDS = [
  "level",
  "time",
  "service.name",
  "service.instance.id",
  "host.name",
  "process.pid",
  "msg",
];

/** How an error is written. */
export const ERROR_FIELDS = ["exception.type", "exception.message", "exception.stacktrace"];

/** What a line may say; `err` is an error, with its stack. */
export type LineFacts = { readonly [Name in keyof typeof LINE_FIELDS | "err"]?: unknown };

/** The facts of a line under the names that they have there. */
export function nameFields(facts: object): Record<string, unknown> {
  const named: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(facts)) {
    if (name === "err") Object.assign(named, fieldsOf(value));
    else named[nameOf(name)] = value;
  }
  return named;
}

function nameOf(name: string): string {
  return Object.hasOwn(LINE_FIELDS, name) ? LINE_FIELDS[name as keyof typeof LINE_FIELDS] : name;
}

/** An error by the conventions for exceptions; the causes' stacks are behind its own. */
function fieldsOf(error: unknown): Record<string, string> {
  if (!(error instanceof Error)) return error === undefined ? {} : { "exception.message": inspect(error) };
  return {
    "exception.type": error.name,
    "exception.message": error.message,
    "exception.stacktrace": stackOf(error),
  };
}

/** How far causes are followed: an error may be its own. */
const MAX_CAUSES = 4;

function stackOf(error: Error): string {
  const stacks: string[] = [];
  for (let each: unknown = error; each instanceof Error && stacks.length < MAX_CAUSES; each = each.cause) {
    stacks.push(each.stack ?? each.message);
  }
  return stacks.join("\ncaused by: ");
}
