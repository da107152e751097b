import type { Context, Hono } from "hono";
import { AppError } from "#shared/errors/app-error.ts";
import { callContextOf } from "#shared/http/json-api.ts";
import { freeNameSchema, nameSchema } from "#shared/contract/name-schema.ts";
import { BY_TOKEN, TOKEN_ERRORS } from "#shared/http/openapi/credentials.ts";
import { describeCall, jsonAnswer } from "#shared/http/openapi/describe-call.ts";
import { readParameter } from "#shared/http/read-parameter.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import { requireLiveSession } from "../access/live-session.ts";
import { holdsPermission, type PermissionDeps } from "../access/holds-permission.ts";
import { identityOf } from "../access/registration.ts";
import type { CallLimits } from "../admission/call-limits.ts";
import type { AnnounceTopics } from "../connections/client-streams.ts";
import type { Hub } from "../connections/hub.ts";
import type { ClientRecords } from "../subscription/topic-store.ts";
import { admitPerson } from "./admit-person.ts";
import { addressOfCall } from "./caller-address.ts";
import { clientsSchema, clientTopicsSchema } from "./edge-answers.ts";
import { type CallerReading, readCaller } from "./read-caller.ts";

/** The permission to list and forget the topics of other people's clients. */
const SUBSCRIPTION_ADMIN = "subscription:admin";

const OF_SUBJECT = { subject: freeNameSchema.describe("Whose; one's own without it.") };
const CLIENT = { client: nameSchema };
const ERRORS = [...TOKEN_ERRORS, "forbidden", "tenant_suspended", "tenant_unknown", "too_many_requests"] as const;

const LIST = describeCall({
  id: "listClients",
  tag: "Clients",
  summary: "Lists a person's clients of which topics are kept, the one used last first",
  by: BY_TOKEN,
  query: OF_SUBJECT,
  answers: { 200: jsonAnswer("The clients.", clientsSchema) },
  errors: ERRORS,
  example: { status: 200 },
});

const READ = describeCall({
  id: "getClientTopics",
  tag: "Clients",
  summary: "Reads what is kept of a client's topics",
  by: BY_TOKEN,
  path: CLIENT,
  query: OF_SUBJECT,
  answers: { 200: jsonAnswer("What differs from the topics of the URL.", clientTopicsSchema) },
  errors: [...ERRORS, "not_found"],
  example: { path: { client: "tab-1" }, status: 404 },
});

const FORGET = describeCall({
  id: "forgetClientTopics",
  tag: "Clients",
  summary: "Forgets a client's topics; an open stream returns to those of its URL",
  by: BY_TOKEN,
  path: CLIENT,
  query: OF_SUBJECT,
  answers: { 204: { is: "They are forgotten." } },
  errors: [...ERRORS, "not_found"],
  example: { path: { client: "tab-1" }, status: 404 },
});

/** The edge, as far as the routes use it. */
export interface ClientsRoutes extends CallerReading {
  readonly callLimits: CallLimits;
  /** Undefined where no topics are kept. */
  readonly topicStore: ClientRecords | undefined;
  readonly announceTopics: AnnounceTopics;
  readonly edge: PermissionDeps & { readonly hub: Pick<Hub, "tenant"> };
}

/** A person of a tenant. */
interface Person {
  readonly tenant: string;
  readonly subject: string;
}

/**
 * Adds the list of a person's clients, and what is kept of one's topics, to be read and to be forgotten: one's own, or with
 * `subscription:admin` those of a subject of one's tenant.
 */
export function addClientsRoutes(api: Hono, routes: ClientsRoutes): void {
  api.get("/v1/clients", LIST, async (c) => {
    const { tenant, subject } = await readPerson(routes, c);
    const clients = await recordsOf(routes).list(tenant, subject);
    return c.json({
      clients: clients.map(({ client, usedAt }) => ({ client, last_used_at: new Date(usedAt).toISOString() })),
    });
  });

  api.get("/v1/clients/:client{[A-Za-z0-9_-]{1,64}}/topics", READ, async (c) => {
    const client = { ...(await readPerson(routes, c)), client: c.req.param("client") };
    const kept = await recordsOf(routes).read(client);
    if (kept === undefined) throw noSuchClient();
    const added = [...kept.added].map(([topic, effectiveFrom]) => ({ topic, effectiveFrom }));
    return c.json({ client: client.client, added, removed: [...kept.removed].toSorted() });
  });

  api.delete("/v1/clients/:client{[A-Za-z0-9_-]{1,64}}/topics", FORGET, async (c) => {
    const client = { ...(await readPerson(routes, c)), client: c.req.param("client") };
    if (!(await recordsOf(routes).forget(client))) throw noSuchClient();
    routes.announceTopics({ client, generation: undefined });
    return c.body(null, 204);
  });
}

/** The person whose clients are asked for: the caller, or another one of the tenant where the caller may. */
async function readPerson(routes: ClientsRoutes, c: Context): Promise<Person> {
  routes.callLimits.admitAddress(addressOfCall(c, routes.trusted));
  const claims = await readCaller(routes, c);
  const { tenant_id: tenant, sub } = claims;
  admitPerson(routes, tenant, sub);
  const subject = readParameter(c, "subject", OF_SUBJECT.subject) ?? sub;
  await requirePresent(routes, claims, subject, c);
  return { tenant, subject };
}

/** Refuses a caller whose session has ended, and one who is neither the person nor may ask for other people's. */
async function requirePresent(
  { edge }: ClientsRoutes,
  claims: VerifiedClaims,
  subject: string,
  c: Context,
): Promise<void> {
  const [identity, context] = [identityOf(claims), callContextOf(c)];
  if (subject === claims.sub) return void (await requireLiveSession(identity, edge, context));
  if (await holdsPermission(edge, identity, SUBSCRIPTION_ADMIN, context)) return;
  throw new AppError("forbidden", `other people's clients need the permission ${SUBSCRIPTION_ADMIN}`);
}

function recordsOf({ topicStore }: ClientsRoutes): ClientRecords {
  if (topicStore === undefined) throw new AppError("unavailable", "this edge keeps no topics: it has no Redis");
  return topicStore;
}

function noSuchClient(): AppError {
  return new AppError("not_found", "nothing is kept for this client");
}
