import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { SettingsBySource } from "#shared/config/read-config.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { isInTheWay, type ReadinessReason } from "#shared/lifecycle/readiness.ts";
import { VERSION } from "#shared/lifecycle/version.ts";
import { formatMetrics, type MetricsSource } from "#shared/metrics/format-metrics.ts";
import { answerHalfClosed } from "./answer-half-closed.ts";
import { closeServer, listen, type ListenAddress } from "./listen.ts";
import { boundSockets } from "./bound-sockets.ts";
import { isOpsHost } from "./ops-hosts.ts";
import { requestIdOf } from "./request-id.ts";
import { sendProblem } from "./send-problem.ts";
import { SocketBudget } from "./socket-budget.ts";
import { answerWelcome, type Welcome } from "./welcome-page.ts";
import { OPS_LIMITS } from "./socket-limits.ts";

/** The operations port, until it is disposed. */
export interface OpsServer extends AsyncDisposable {
  readonly port: number;
}

/** Where an operations port is, and by which names it may be asked beside its address. */
export interface OpsAddress extends ListenAddress {
  readonly hosts: readonly string[];
}

/** What an operations port answers. */
export interface OpsAnswers {
  /** Which service this is. */
  readonly service: string;
  /** What it was set to and by what, secrets masked. */
  readonly config: { readonly bySource: SettingsBySource };
  readonly metrics: MetricsSource;
  /** Why the service takes no new work; nothing that is in the way where it does. */
  readonly reasons: () => Promise<readonly ReadinessReason[]>;
  /** The service's own pages, as JSON. */
  readonly pages?: Readonly<Record<string, () => unknown>>;
}

/** There is nothing to change here. */
const METHODS = ["GET", "HEAD"];

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Serves the operations port: `/healthz` (the process lives), `/readyz` (it takes new work: 200 or 503, with the reasons),
 * `/metrics` (OpenMetrics, or the older text format for those that prefer it), `/debug/settings` (what the process was set to, and its
 * readiness), the service's own pages, and at `/` what there is. All may be read, and nothing else be done. A foreign `Host` is refused
 * with 421; refusals are problem documents.
 */
export async function startOpsServer(address: OpsAddress, answers: OpsAnswers): Promise<OpsServer> {
  const server = createServer((request, response) => {
    answer(request, [address.host, ...address.hosts], answers).then(
      (given) => send(response, given),
      (error: unknown) => refuse(request, response, error),
    );
  });
  boundSockets(server, new SocketBudget(OPS_LIMITS));
  answerHalfClosed(server);
  const port = await listen(server, address);
  return { port, [Symbol.asyncDispose]: () => closeServer(server, 100) };
}

async function answer(
  request: IncomingMessage,
  hosts: readonly string[],
  { service, config, metrics, reasons, pages = {} }: OpsAnswers,
): Promise<Answer> {
  requireHost(request, hosts);
  if (!METHODS.includes(request.method ?? "")) throw new AppError("method_not_allowed", `use ${METHODS.join(" or ")}`);
  const path = request.url?.split("?")[0] ?? "";
  if (path === "/healthz") return text(200, "ok");
  if (path === "/readyz") return readinessOf(await reasons());
  if (path === "/metrics") {
    const { contentType, body } = await formatMetrics(metrics, request.headers.accept);
    return answerOf(200, contentType, body);
  }
  if (path === "/debug/settings") {
    return json(200, { service, version: VERSION, reasons: await reasons(), settings: config.bySource });
  }
  if (path === "/") return { status: 200, ...answerWelcome(welcomeOf(Object.keys(pages)), request.headers.accept) };
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (page === undefined)
    throw new AppError("not_found", "this operations port has nothing at this path; / says what it has");
  return json(200, await page());
}

function requireHost(request: IncomingMessage, hosts: readonly string[]): void {
  const [host, ...others] = request.headersDistinct["host"] ?? [];
  if (others.length > 0) throw new AppError("malformed_request", "the request has more than one Host");
  if (host === undefined || isOpsHost(host, hosts)) return;
  const instead = "ask it by its address, or add the name to its setting ..._OPS_ALLOWED_HOSTS";
  throw new AppError("misdirected_request", `this port is not ${host}: ${instead}`);
}

function welcomeOf(pages: readonly string[]): Welcome {
  return {
    name: "Sluice: operations",
    about: "How a service is; for operators and monitoring.",
    links: [
      { href: "/healthz", text: "the process lives" },
      { href: "/readyz", text: "it takes new work, or why not" },
      { href: "/metrics", text: "metrics (OpenMetrics)" },
      { href: "/debug/settings", text: "what the process was set to, and by what" },
      ...pages.map((href) => ({ href, text: "as JSON" })),
    ],
  };
}

function readinessOf(reasons: readonly ReadinessReason[]): Answer {
  if (reasons.some(isInTheWay)) return json(503, { ready: false, reasons });
  return json(200, { ready: true, ...(reasons.length > 0 && { reasons }) });
}

function text(status: number, line: string): Answer {
  return answerOf(status, "text/plain; charset=utf-8", `${line}\n`);
}

function json(status: number, value: unknown): Answer {
  return answerOf(status, "application/json", `${JSON.stringify(value, null, 2)}\n`);
}

function answerOf(status: number, type: string, body: string): Answer {
  return { status, headers: { "content-type": type }, body };
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, {
    ...headers,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(body);
}

function refuse(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const error = thrown instanceof AppError ? thrown : new AppError("internal", message);
  if (error.code === "method_not_allowed") response.setHeader("allow", METHODS.join(", "));
  sendProblem(response, error, requestIdOf(request.headers["x-request-id"]));
}
