import { setTimeout as delay } from "node:timers/promises";
import { openEventSockets } from "./event-sockets.ts";
import { readMetric } from "./read-metric.ts";
import { startTenants, type TenantStack } from "./start-tenants.ts";
import { waitFor } from "./wait.ts";

const TENANT = "flow";

/** So many people, each with a stream; so many changes of one person's roles and so many events, at this pace. */
export interface FlowLoad {
  readonly people: number;
  readonly changes: number;
  readonly perSecond: number;
}

/** The counts of a run. */
export interface FlowCounts {
  /** Deliveries that had to be made: every event is for everybody. */
  readonly due: number;
  readonly delivered: number;
  /** How many of them had been made by the time the last change was acknowledged. */
  readonly deliveredMeanwhile: number;
  /** Streams that ended. */
  readonly closed: number;
  /** Subjects and decisions that policy was asked for because of the changes of persons. */
  readonly resolved: number;
  readonly decided: number;
  /** The same because of one change of the role that those persons were given. */
  readonly resolvedForRole: number;
}

/** Changes one person's roles after the other, while events are published that all may see, before and after. */
export async function runUnderChanges({ people, changes, perSecond }: FlowLoad): Promise<FlowCounts> {
  const names = Array.from({ length: people }, (_, index) => `p${index}`);
  await using tenants = await startTenants([
    { id: TENANT, document: documentOf(names, ["extra:read"]), people: names },
  ]);
  const tokens = await Promise.all(names.map((name) => tenants.sign(TENANT, name)));
  const url = new URL(`${tenants.stack.streamUrl}/v1/stream?topic=open.>&topic=extra.>`);
  using sockets = await openEventSockets(url, tokens, "tick");
  const asked = (): Promise<Asked> => readAsked(tenants);

  const before = await asked();
  const publishing = atPace(changes, perSecond, (tick) => tenants.publish(TENANT, "open.tick.x", `tick ${tick}`));
  await atPace(changes, perSecond, (index) =>
    tenants.change("PUT", `${TENANT}/subjects/${names[index % people]}/roles`, '{"roles":["reader","extra"]}'),
  );
  const deliveredMeanwhile = sockets.received();
  await publishing;
  const due = changes * people;
  await waitFor("every delivery", () => sockets.received() >= due, 60_000).catch(() => {});
  const after = await asked();

  await tenants.change("PUT", `${TENANT}/policy`, documentOf(names, ["extra:read", "extra:write"]));
  await tenants.publish(TENANT, "extra.tick.x", "tick to who holds the role");
  await waitFor("who holds the role", () => sockets.received() >= due + Math.min(changes, people), 60_000);
  return {
    due,
    delivered: sockets.received() - Math.min(changes, people),
    deliveredMeanwhile,
    closed: sockets.closed(),
    resolved: after.resolved - before.resolved,
    decided: after.decided - before.decided,
    resolvedForRole: (await asked()).resolved - after.resolved,
  };
}

interface Asked {
  readonly resolved: number;
  readonly decided: number;
}

async function readAsked({ stack: { policy } }: TenantStack): Promise<Asked> {
  return {
    resolved: await readMetric(policy, "sluice_policy_resolves_total"),
    decided: await readMetric(policy, "sluice_policy_decisions_total"),
  };
}

function documentOf(names: readonly string[], extra: readonly string[]): string {
  return JSON.stringify({
    tenant: TENANT,
    roles: { reader: { allow: ["open:read"] }, extra: { allow: extra } },
    bindings: [{ role: "reader", subjects: names }],
    events: { "open.*": "open:read", "extra.*": "extra:read" },
  });
}

/** Acts so often, at most so many times a second, each after the one before. */
async function atPace(count: number, perSecond: number, act: (index: number) => Promise<void>): Promise<void> {
  const begin = performance.now();
  for (let index = 0; index < count; index += 1) {
    await act(index);
    await delay(Math.max(0, begin + ((index + 1) * 1_000) / perSecond - performance.now()));
  }
}
