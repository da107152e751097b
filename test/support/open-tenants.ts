import { changePolicy } from "../../services/policy/change-policy.ts";
import { setState } from "../../services/policy/changes/commands.ts";
import type { Lifecycle } from "../../services/policy/versions/stored-policy.ts";
import { createTenant } from "../../services/policy/tenants/create-tenant.ts";
import { reconcileLifecycle } from "../../services/policy/tenants/reconcile-tenant.ts";
import type { TenantDeps } from "../../services/policy/tenants/tenant-deps.ts";
import { type OpenPolicies, openPolicies } from "./open-policies.ts";
import { startNats } from "./start-nats.ts";

/** Two processes of policy on one server, and a look at the logs of the tenants they make. */
export interface OpenTenants extends AsyncDisposable {
  readonly policies: OpenPolicies;
  readonly other: OpenPolicies;
  /** Makes a tenant of a name that is new. */
  create(): Promise<string>;
  /** Changes a tenant's state, as the operator's call does. */
  become(tenant: string, state: Lifecycle["state"], by?: TenantDeps): Promise<void>;
  /** The log as the server describes it, or why it does not. */
  streamOf(tenant: string): Promise<object | string>;
  /** The subjects of the log, or why there are none. */
  subjectsOf(tenant: string): Promise<unknown>;
  /** The tenant entries in the log, oldest first. */
  entriesOf(tenant: string): Promise<{ state: string; version: number }[]>;
}

/** Opens both on a server of their own. */
export async function openTenants(): Promise<OpenTenants> {
  await using starting = new AsyncDisposableStack();
  const nats = starting.use(await startNats());
  const policies = starting.use(await openPolicies(nats.url("policy")));
  const other = starting.use(await openPolicies(nats.url("policy")));
  const stack = starting.move();
  const { manager, deps } = policies;
  const streamOf = (tenant: string) => manager.streams.info(`EVENTS_${tenant}`).catch((error: Error) => error.message);
  let tenants = 0;
  return {
    policies,
    other,
    async create() {
      tenants += 1;
      await createTenant(deps, `t${tenants}`, "operator");
      return `t${tenants}`;
    },
    async become(tenant, state, by = deps) {
      await changePolicy(by, tenant, setState(state, "operator"));
      await reconcileLifecycle(by, tenant);
    },
    streamOf,
    async subjectsOf(tenant) {
      const stream = await streamOf(tenant);
      return typeof stream === "string" ? stream : stream.config.subjects;
    },
    async entriesOf(tenant) {
      const { state } = await manager.streams.info(`EVENTS_${tenant}`);
      const entries: { state: string; version: number }[] = [];
      for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
        const message = await manager.streams.getMessage(`EVENTS_${tenant}`, { seq });
        if (message?.subject === `control.${tenant}.tenant`) entries.push(message.json());
      }
      return entries;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The subjects of a log that takes events, and of one that does not. */
export const subjectsWhile = {
  open: (tenant: string): string[] => [`events.${tenant}.>`, `control.${tenant}.>`],
  closed: (tenant: string): string[] => [`control.${tenant}.>`],
};
