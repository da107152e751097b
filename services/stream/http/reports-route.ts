import Bowser from "bowser";
import type { Hono } from "hono";
import { z } from "zod";
import { readJson } from "#shared/http/json-api.ts";
import { BY_TOKEN, TOKEN_ERRORS } from "#shared/http/openapi/credentials.ts";
import { describeCall, jsonBody } from "#shared/http/openapi/describe-call.ts";
import { FALLBACK_REASONS, NETWORKS } from "#shared/protocol/client-report.ts";
import { TRANSPORTS } from "#shared/protocol/transports.ts";
import type { CallLimits } from "../admission/call-limits.ts";
import type { Hub } from "../connections/hub.ts";
import type { CLIENT_FAMILIES, ClientReport } from "../observe/client-reports.ts";
import type { TransportHealth } from "../transports/transport-health.ts";
import { admitPerson } from "./admit-person.ts";
import { addressOfCall } from "./caller-address.ts";
import { type CallerReading, readCaller } from "./read-caller.ts";

/** A browser's own words are longer only where somebody has written them; parsing costs time. */
const MAX_USER_AGENT = 512;

/** More in one report is a client that counts wrong. */
const MAX_TIMES = 10_000;
const HOUR_MS = 3_600_000;

const reportSchema = z.strictObject({
  transport: z.enum(TRANSPORTS),
  fallback: z.strictObject({ from: z.enum(TRANSPORTS), reason: z.enum(FALLBACK_REASONS) }).optional(),
  reconnects: z.int().min(0).max(MAX_TIMES).default(0),
  stalls: z.int().min(0).max(MAX_TIMES).default(0),
  firstEventMs: z.int().min(0).max(HOUR_MS).optional(),
  network: z.enum(NETWORKS).optional(),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/, "must be 1 to 32 of the characters a-z 0-9 -")
    .optional(),
} satisfies Record<Exclude<keyof ClientReport, "family">, z.ZodType>);

const REPORT = describeCall({
  id: "report",
  tag: "Reports",
  summary: "Says what a client saw of its streams since its last report, for metrics alone",
  by: BY_TOKEN,
  body: jsonBody(reportSchema),
  answers: { 204: { is: "It is counted." } },
  errors: [...TOKEN_ERRORS, "too_many_requests"],
  example: { body: { transport: "sse", reconnects: 1, firstEventMs: 120 }, status: 204 },
});

/** The edge, as far as the route uses it. */
export interface ReportsRoute extends CallerReading {
  readonly report: (report: ClientReport) => void;
  readonly callLimits: CallLimits;
  readonly edge: {
    readonly hub: Pick<Hub, "tenant">;
    readonly transportHealth: Pick<TransportHealth, "reported">;
  };
}

/**
 * Adds `POST /v1/reports`: what a client saw of its streams since its last report. It becomes metrics, and says which transports do not work for
 * the tenant's clients.
 */
export function addReportsRoute(api: Hono, { report, callLimits, edge, ...reading }: ReportsRoute): void {
  api.post("/v1/reports", REPORT, async (c) => {
    callLimits.admitAddress(addressOfCall(c, reading.trusted));
    const { tenant_id: tenant, sub: subject } = await readCaller(reading, c);
    admitPerson({ callLimits, edge }, tenant, subject);
    const said = await readJson(c, reportSchema);
    report({ ...said, family: familyOf(c.req.header("user-agent")) });
    edge.transportHealth.reported({ tenant, subject }, said);
    return c.body(null, 204);
  });
}

function familyOf(userAgent = ""): ClientReport["family"] {
  if (userAgent === "") return "other";
  const engine = Bowser.parse(userAgent.slice(0, MAX_USER_AGENT)).engine.name ?? "";
  return FAMILIES[engine] ?? "other";
}

/** What is alike behaves alike: the engine counts, not the name on the window. */
const FAMILIES: Readonly<Record<string, (typeof CLIENT_FAMILIES)[number]>> = {
  Blink: "chrome",
  Gecko: "firefox",
  WebKit: "safari",
};
