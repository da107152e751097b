import type { Context, Hono, MiddlewareHandler } from "hono";
import { deadNamedBy, pausedUntil, pauseSchema } from "#shared/contract/subscription-calls.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { callContextOf, limitBodies, readJson, readJsonIfAny } from "#shared/http/json-api.ts";
import { singleParameter } from "#shared/http/read-parameter.ts";
import { parseEventId } from "#shared/protocol/event-id.ts";
import { isName } from "#shared/protocol/names.ts";
import { requireLiveSession } from "../access/live-session.ts";
import { type Identity, identityOf } from "../access/registration.ts";
import type { CallLimits } from "../admission/call-limits.ts";
import { requireSubscriptionScope } from "../connections/require-subscription-scope.ts";
import type { SubscriptionCommand } from "../durable/commands.ts";
import type { SubscriptionRecord } from "../durable/record.ts";
import {
  commandSubscription,
  defineSubscription,
  deleteSubscription,
  listSubscriptions,
  type Owned,
  type SubscriptionDeps,
  subscriptionKey,
  type Wish,
} from "../manage-subscription.ts";
import { MAX_WINDOW, parseWish, wishSchema } from "../subscription/parse-wish.ts";
import { admitPerson } from "./admit-person.ts";
import { addressOfCall } from "./caller-address.ts";
import { describeDead, describeSubscription } from "./describe-subscription.ts";
import { type CallerReading, readCaller } from "./read-caller.ts";
import {
  acksSchema,
  deadSchema,
  MAX_DEAD_LETTERS,
  nacksSchema,
  SUBSCRIPTION_CALLS as CALLS,
} from "./subscription-calls.ts";

/** The paths whose bodies may be longer than those of other calls: they limit them themselves. */
export const ACK_PATHS = /^\/v1\/subscriptions\/[^/]+\/(?:acks|nacks)$/;

/** Ten thousand ids of the greatest length. */
const MAX_ACK_BYTES = 768 * 1_024;

/** The edge, as far as the routes use it. */
export interface SubscriptionRoutes extends CallerReading {
  readonly callLimits: CallLimits;
  readonly edge: SubscriptionDeps;
}

const PATH = "/v1/subscriptions/:name";

type ReadCommand = (c: Context) => Promise<SubscriptionCommand> | SubscriptionCommand;

/** Adds the calls on durable subscriptions, each on one's own: make and change, look at, pause, delete, acknowledge, dead letters. */
export function addSubscriptionRoutes(api: Hono, routes: SubscriptionRoutes): void {
  const { edge } = routes;
  const describe = async (
    tenant: string,
    named: Iterable<readonly [string, SubscriptionRecord]>,
  ): Promise<object[]> => {
    const [context, end] = [edge.subscriptions.context(), await edge.subscriptions.findEnd(tenant)];
    return Array.from(named, ([name, record]) => describeSubscription(name, record, { ...context, end }));
  };
  const answer = async (c: Context, { identity, name }: Owned, record: SubscriptionRecord, status: 200 | 201 = 200) => {
    c.header("etag", `"${record.revision}"`);
    return c.json((await describe(identity.tenant, [[name, record]]))[0], status);
  };
  const command = (path: string, description: MiddlewareHandler, read: ReadCommand): void =>
    void api.post(`${PATH}/${path}`, description, async (c) => {
      const owned = await readOwned(routes, c);
      const record = await commandSubscription(edge, owned, await read(c));
      return answer(c, owned, record);
    });

  api.put(PATH, CALLS.define, async (c) => {
    const owned = await readOwned(routes, c);
    const wish = {
      ...parseWish(await readJson(c, wishSchema), edge.subscriptions.most.ttlSeconds),
      expected: readExpected(c),
    };
    const { record, isNew } = await defineSubscription(edge, owned, wish, callContextOf(c));
    return answer(c, owned, record, isNew ? 201 : 200);
  });
  api.get("/v1/subscriptions", CALLS.list, async (c) => {
    const identity = await readPerson(routes, c);
    const all = await listSubscriptions(edge, identity);
    return c.json({ subscriptions: await describe(identity.tenant, all) });
  });
  api.get(PATH, CALLS.look, async (c) => {
    const owned = await readOwned(routes, c);
    return answer(c, owned, await commandSubscription(edge, owned, { do: "look" }));
  });
  api.delete(PATH, CALLS.delete, async (c) => {
    await deleteSubscription(edge, await readOwned(routes, c));
    return c.body(null, 204);
  });
  command("pause", CALLS.pause, async (c) => ({
    do: "pause",
    until: pausedUntil(await readJsonIfAny(c, pauseSchema)),
  }));
  command("resume", CALLS.resume, () => ({ do: "resume" }));
  command("dead/redeliver", CALLS.redeliver, async (c) => ({ do: "redeliver", dead: await readDead(c) }));
  command("dead/drop", CALLS.drop, async (c) => ({ do: "drop", dead: await readDead(c) }));
  addAckRoutes(api, routes);
  api.get(`${PATH}/dead`, CALLS.listDead, async (c) => {
    const owned = await readOwned(routes, c);
    const record = await commandSubscription(edge, owned, { do: "look" });
    return c.json(describeDead(await withoutErased(edge, owned, record), readAfter(c), MAX_DEAD_LETTERS));
  });
}

function addAckRoutes(api: Hono, routes: SubscriptionRoutes): void {
  const limitBody = limitBodies(MAX_ACK_BYTES);
  api.post(`${PATH}/acks`, CALLS.acknowledge, limitBody, async (c) => {
    const owned = await readAcker(routes, c);
    const body = await readJson(c, acksSchema);
    const ids = "ids" in body ? body.ids : [];
    admitIds(routes, owned, ids);
    const upTo = "upTo" in body ? { upTo: body.upTo } : {};
    await commandSubscription(routes.edge, owned, { do: "acknowledge", ids, ...upTo });
    return c.body(null, 204);
  });
  api.post(`${PATH}/nacks`, CALLS.refuse, limitBody, async (c) => {
    const owned = await readAcker(routes, c);
    const body = await readJson(c, nacksSchema);
    admitIds(routes, owned, body.ids);
    await commandSubscription(routes.edge, owned, { do: "refuse", ...body });
    return c.body(null, 204);
  });
}

/** Erased events leave the dead letters when somebody looks at them. */
async function withoutErased(
  edge: SubscriptionDeps,
  owned: Owned,
  record: SubscriptionRecord,
): Promise<SubscriptionRecord> {
  const tags = new Map(record.dead.map(({ seq, tag }) => [seq, tag]));
  if (tags.size === 0) return record;
  const real = await edge.subscriptions.findReal(owned.identity.tenant, tags);
  const gone = record.dead.filter(({ seq }) => !real.has(seq)).map(({ seq, tag }) => `${record.epoch}.${seq}.${tag}`);
  return gone.length === 0 ? record : commandSubscription(edge, owned, { do: "drop", dead: gone });
}

async function readOwned(routes: SubscriptionRoutes, c: Context): Promise<Owned> {
  const owned = { name: readName(c), identity: await readPerson(routes, c) };
  await requireSubscriptionScope(routes.edge, owned, callContextOf(c));
  return owned;
}

/** The caller, whose session lives. */
async function readPerson(routes: SubscriptionRoutes, c: Context): Promise<Identity> {
  routes.callLimits.admitAddress(addressOfCall(c, routes.trusted));
  const identity = await readIdentity(routes, c);
  admitPerson(routes, identity.tenant, identity.subject.id);
  await requireLiveSession(identity, routes.edge, callContextOf(c));
  return identity;
}

/** The same for acknowledgements, of which there are many: auth is not asked where it has said so for the open stream. */
async function readAcker(routes: SubscriptionRoutes, c: Context): Promise<Owned> {
  routes.callLimits.admitAckOfAddress(addressOfCall(c, routes.trusted));
  const owned = { name: readName(c), identity: await readIdentity(routes, c) };
  const { identity } = owned;
  routes.callLimits.admitAck(identity.tenant, identity.subject.id);
  const registration = routes.edge.subscriptions.holds.find(subscriptionKey(owned))?.reader.registration;
  const isKnown = registration?.identity.sid === identity.sid && registration.ended === undefined;
  if (!isKnown || registration.deadline === undefined)
    await requireLiveSession(identity, routes.edge, callContextOf(c));
  await requireSubscriptionScope(routes.edge, owned, callContextOf(c));
  return owned;
}

/** More ids than may be open count as further calls: ten thousand take 10 ms. */
function admitIds({ callLimits }: SubscriptionRoutes, { identity }: Owned, ids: readonly string[]): void {
  const further = Math.ceil(ids.length / MAX_WINDOW) - 1;
  if (further > 0) callLimits.admitAck(identity.tenant, identity.subject.id, further);
}

async function readIdentity(routes: SubscriptionRoutes, c: Context): Promise<Identity> {
  return identityOf(await readCaller(routes, c));
}

function readName(c: Context): string {
  const name = c.req.param("name") ?? "";
  if (isName(name)) return name;
  throw new AppError(
    "malformed_request",
    "the name of a subscription must be 1 to 64 of the characters A-Z a-z 0-9 _ -",
  );
}

/** `If-Match` with the revision that may be replaced, or `*` for any; `If-None-Match: *` for a subscription that must be new. */
function readExpected(c: Context): Wish["expected"] {
  if (c.req.header("if-none-match")?.trim() === "*") return "new";
  const header = c.req.header("if-match")?.trim();
  if (header === undefined) return undefined;
  if (header === "*") return "any";
  const revision = /^"?(\d{1,15})"?$/.exec(header)?.[1];
  if (revision === undefined) throw new AppError("malformed_request", "If-Match must be a revision, such as 17");
  return Number(revision);
}

async function readDead(c: Context): Promise<"all" | string[]> {
  return deadNamedBy(await readJson(c, deadSchema));
}

function readAfter(c: Context): number {
  const after = singleParameter(c, "after");
  if (after === undefined) return -1;
  const id = parseEventId(after);
  if (id === undefined) throw new AppError("malformed_request", '"after" must be an id of a dead letter');
  return id.position.seq;
}
