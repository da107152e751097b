import { gaugeWhenRead } from "#shared/metrics/counted-when-read.ts";
import { Counter, type Registry } from "prom-client";
import { readDescriptorLimit } from "#shared/lifecycle/descriptor-limit.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import { SocketBudget, type SocketEnd } from "./socket-budget.ts";
import { type PublicPort, socketLimitsOf } from "./socket-limits.ts";

const ADVICE: Readonly<Record<SocketEnd, string>> = {
  address: "one address has too many connections that ask for nothing: its oldest is ended",
  waiting: "too many connections ask for nothing: the oldest is ended",
  descriptors: "there are no descriptors for more connections: one is ended; raise the limit (ulimit -n)",
};

/** The budgets of a service with both ports. */
export type ServiceSockets = Readonly<Record<PublicPort, SocketBudget>>;

/**
 * Makes the budgets of a service's ports out of what the process may open, and counts what they do. All HTTP ports of a
 * service share one.
 */
export function openSockets<Port extends PublicPort>(
  ports: readonly Port[],
  { registry, log }: { readonly registry: Registry; readonly log: LimitedLog },
): Readonly<Record<Port, SocketBudget>> {
  const limits = socketLimitsOf(readDescriptorLimit(), ports);
  const ended = new Counter({
    name: "sluice_sockets_ended_total",
    help: "Connections that were ended because too many ask for nothing, or because there are no descriptors for more",
    labelNames: ["port", "reason"],
    registers: [registry],
  });
  const budgets = ports.map((port) => {
    const onEnd = (reason: SocketEnd, address: string): void => {
      ended.inc({ port, reason });
      log.write("info", `sockets: ${reason}`, { port, reason, address }, ADVICE[reason]);
    };
    return [port, new SocketBudget(limits[port], onEnd)] as const;
  });
  countOpen(registry, budgets);
  return Object.fromEntries(budgets) as Record<Port, SocketBudget>;
}

function countOpen(registry: Registry, budgets: readonly (readonly [PublicPort, SocketBudget])[]): void {
  const described = {
    name: "sluice_sockets",
    help: "Open connections of the ports for the public; those that wait ask for nothing",
    labelNames: ["port" as const, "state" as const],
  };
  gaugeWhenRead(registry, described, (gauge) => {
    for (const [port, { open, waiting }] of budgets) {
      gauge.set({ port, state: "waiting" }, waiting);
      gauge.set({ port, state: "asking" }, open - waiting);
    }
  });
}
