import { setTimeout as delay } from "node:timers/promises";
import { TRANSPORTS } from "#shared/protocol/transports.ts";
import type { Ledger } from "#test/support/checker/ledger.ts";
import { createHttpProducer } from "#test/support/checker/http-producer.ts";
import { createProducer, type Producer } from "#test/support/checker/producer.ts";
import { type LedgerReader, type ReaderOptions, startReader } from "#test/support/checker/reader.ts";
import type { Tenant, World } from "../world.ts";
import { type Administrator, startAdministrator } from "./administrator.ts";
import { logIn, type Person } from "./person.ts";
import { type DurableSubscriber, startSubscriber } from "./subscriber.ts";

/** Events of a tenant: so often on the bus, and over HTTP. */
const BUS_EVERY_MS = 200;
const HTTP_EVERY_MS = 1_000;
const TOPICS = ["issues.opened.k", "push.event.k"];

/** A client goes to another edge and another road so often, and a session ends. */
const HOPS_EVERY_MS = 5_000;
const LEAVES_EVERY_MS = 15_000;

/** Longer than two heartbeats: a connection that is silent for so long is dead. */
const PATIENCE_MS = 31_000;

/** What goes on in one tenant. */
export interface TenantTraffic extends AsyncDisposable {
  readonly tenant: Tenant;
  /** Who publishes on the bus. */
  readonly producer: Producer;
  /** Clients that stay for the whole run, and may see `issues.>` all the time. */
  readonly readers: readonly LedgerReader[];
  readonly administrator: Administrator;
  /** Sessions that were gone though nobody had ended them. */
  readonly lostSessions: number;
  /** Defines a durable subscription of that name, and reads it. */
  subscribe(name: string): Promise<DurableSubscriber>;
  /** Publishes no more, ends no more sessions and changes nothing; answers when everything is acknowledged. */
  settle(): Promise<void>;
}

/** Starts producers, clients on every road and edge, sessions that end, and an administrator. */
export async function startTenant(world: World, ledger: Ledger, tenant: Tenant): Promise<TenantTraffic> {
  await using starting = new AsyncDisposableStack();
  const stopping = new AbortController();
  const person = async (name: string): Promise<Person> => starting.use(await logIn(world.authUrls, tenant, name));
  const people = await Promise.all(["alice", "bob", "dave", "erin"].map(person));
  const [alice, bob, dave, erin] = people as [Person, Person, Person, Person];
  const urls = world.doors.map(({ url }) => `${url}/v1/stream?topic=issues.>&topic=push.>`);
  const from = (first: number) => urls.map((_, index) => urls[(first + index) % urls.length] ?? "");
  const read = async (client: string, who: Person, options: Pick<ReaderOptions, "urls" | "roads">) => {
    const onRefused = (status: number): void => void (status === 401 && who.renew());
    const more = { tenant, token: who.token, onRefused, patienceMs: PATIENCE_MS, notesExpiry: true };
    return starting.use(await startReader(ledger, { client: `${tenant} ${client}`, ...more, ...options }));
  };
  const steady = await Promise.all(
    TRANSPORTS.map((road, index) => read(`alice ${road}`, alice, { urls: from(index), roads: [road] })),
  );
  const changing = await Promise.all(
    (["sse", "websocket"] as const).map((road, index) =>
      read(`bob ${road}`, bob, { urls: from(index), roads: [road] }),
    ),
  );
  const hopper = await read("hopper", alice, { urls, roads: TRANSPORTS });
  const producer = createProducer(await world.bus(tenant), tenant, ledger);
  const operator = await world.bus("policy");
  const overHttp = createHttpProducer({ tenant, ledger, urls: world.publishUrls, token: dave.token, operator });
  const clients = changing.map((_, index) => `${tenant} bob ${["sse", "websocket"][index]}`);
  const administrator = starting.use(startAdministrator({ world, ledger, tenant, producer, clients }));
  const publishing = [
    producer.publishSteadily(TOPICS, `${tenant} bus`, BUS_EVERY_MS),
    overHttp.publishSteadily(["issues.http", "push.http"], `${tenant} http`, HTTP_EVERY_MS),
  ];
  const leaving = leaveAgainAndAgain(world, ledger, { tenant, urls, stop: stopping.signal });
  const hopping = repeat(stopping.signal, HOPS_EVERY_MS, async () => hopper.hop());
  const stack = starting.move();
  return {
    tenant,
    producer,
    readers: [...steady, ...changing, hopper],
    administrator,
    get lostSessions() {
      return people.reduce((sum, { lostSessions }) => sum + lostSessions, 0);
    },
    subscribe: (name) =>
      startSubscriber({ name, tenant, person: erin, edgeUrls: world.doors.map(({ url }) => url), ledger }),
    async settle() {
      stopping.abort();
      await Promise.all([...publishing.map((each) => each.stop()), administrator[Symbol.asyncDispose]()]);
      await Promise.all([leaving, hopping]);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Opens a stream of carol's, ends the session under it, and opens the next. */
async function leaveAgainAndAgain(
  world: World,
  ledger: Ledger,
  { tenant, urls, stop }: { readonly tenant: Tenant; readonly urls: readonly string[]; readonly stop: AbortSignal },
): Promise<void> {
  let turn = 0;
  await repeat(stop, LEAVES_EVERY_MS, async () => {
    const client = `${tenant} leaving ${(turn += 1)}`;
    await using carol = await logIn(world.authUrls, tenant, "carol");
    const roads = [TRANSPORTS[turn % TRANSPORTS.length] ?? "sse"];
    const options = { client, tenant, urls, roads, token: carol.token, patienceMs: PATIENCE_MS, notesExpiry: true };
    await using _ = await startReader(ledger, options);
    await delay(LEAVES_EVERY_MS / 3, undefined, { signal: stop }).catch(() => {});
    ledger.push({ of: "ended", client, ...(await carol.logOut()) });
    // Whatever still comes now is noted.
    await delay(LEAVES_EVERY_MS / 3, undefined, { signal: stop }).catch(() => {});
  });
}

/** Does it again and again; a time at which it cannot be done passes without it. */
async function repeat(stop: AbortSignal, everyMs: number, work: () => Promise<void>): Promise<void> {
  while (!stop.aborted) {
    await work().catch(() => {});
    await delay(everyMs, undefined, { signal: stop }).catch(() => {});
  }
}
