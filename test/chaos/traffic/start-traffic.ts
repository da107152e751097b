import { noteCause } from "#test/support/checker/administrator.ts";
import { type Ledger, monotonicMs } from "#test/support/checker/ledger.ts";
import { type Tenant, TENANTS, type World } from "../world.ts";
import { startTenant, type TenantTraffic } from "./start-tenant.ts";
import type { ConcludedSubscription, DurableSubscriber } from "./subscriber.ts";

/** Everything that users, producers and administrators do while faults come and go, and the ledger of it. */
export interface Traffic extends AsyncDisposable {
  readonly ledger: Ledger;
  readonly tenants: readonly TenantTraffic[];
  /** What concluded durable subscriptions came to. */
  readonly subscriptions: readonly ConcludedSubscription[];
  /** Publishes an event in every tenant, and answers its text in each once it is stored. */
  mark(tenant: TenantTraffic): Promise<string>;
  /** From now on, until everybody is served again, the tenant's clients may be sent this. */
  noteCause(tenant: Tenant, event: "gap" | "reset", reason: string): void;
  /** Everybody is served again: what caused gaps and resets causes none any more. */
  noteSettled(): void;
  /**
   * Has administrators wait and concludes the durable subscriptions, for a fault that takes back what was acknowledged;
   * what it answers lets them go on.
   */
  holdChanges(): Promise<() => Promise<void>>;
  /** Ends the traffic: everything before is due, and waited for. */
  end(): Promise<void>;
}

/** Starts the traffic of all tenants. */
export async function startTraffic(world: World): Promise<Traffic> {
  await using starting = new AsyncDisposableStack();
  const ledger: Ledger = [];
  const tenants = await Promise.all(
    TENANTS.map(async (tenant) => starting.use(await startTenant(world, ledger, tenant))),
  );
  const subscriptions: ConcludedSubscription[] = [];
  let [marks, names] = [0, 0];
  let subscribers: readonly DurableSubscriber[] = [];
  const mark = async ({ tenant, producer }: TenantTraffic): Promise<string> => {
    const text = `${tenant} mark ${(marks += 1)}`;
    await producer.publish("issues.marked.k", text);
    return text;
  };
  const subscribe = async (): Promise<void> => {
    const name = `chaos-${(names += 1)}`;
    subscribers = await Promise.all(tenants.map((tenant) => tenant.subscribe(name)));
  };
  const unsubscribe = async (): Promise<void> => {
    const concluded = subscribers.map(async (subscriber, index) => {
      const tenant = tenants[index];
      return tenant === undefined ? [] : [await subscriber.conclude(await mark(tenant))];
    });
    subscribers = [];
    subscriptions.push(...(await Promise.all(concluded)).flat());
  };
  await subscribe();
  const stack = starting.move();
  return {
    ledger,
    tenants,
    subscriptions,
    mark,
    noteCause: (tenant, event, reason) => noteCause(ledger, tenant, event, reason),
    noteSettled: () => void ledger.push({ of: "settled", at: monotonicMs() }),
    async holdChanges() {
      const [resume] = await Promise.all([
        Promise.all(tenants.map(({ administrator }) => administrator.pause())),
        unsubscribe(),
      ]);
      return async () => {
        for (const each of resume) each();
        await subscribe();
      };
    },
    async end() {
      await Promise.all(tenants.map((tenant) => tenant.settle()));
      await unsubscribe();
      await Promise.all(
        tenants.map(async (tenant) => {
          const text = await mark(tenant);
          // What does not come is counted as lost.
          await Promise.all(tenant.readers.map((reader) => reader.complete(text, 60_000).catch(() => {})));
        }),
      );
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
