import type { Context, Hono, MiddlewareHandler } from "hono";
import { deadNamedBy, pausedUntil, pauseSchema } from "#shared/contract/subscription-calls.ts";
import type { OperatorCommand } from "#shared/contract/edge-questions.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { readJson, readJsonIfAny } from "#shared/http/json-api.ts";
import { readParameter, singleParameter } from "#shared/http/read-parameter.ts";
import { parseEventId } from "#shared/protocol/event-id.ts";
import { isName } from "#shared/protocol/names.ts";
import type { TenantDeps } from "../tenants/tenant-deps.ts";
import { changeSubscription, type ChangeSubscriptionDeps } from "../subscriptions/change-subscription.ts";
import {
  findSubscription,
  listSubscriptions,
  type LookDeps,
  type SubscriptionName,
} from "../subscriptions/list-subscriptions.ts";
import { authorizeAdmin, type AuthorizeDeps } from "./authorize.ts";
import { limitSchema, requireFreeName, subjectParameter, tenantParameter } from "./parameters.ts";
import { deadSchema, MAX_SUBSCRIPTIONS, SUBSCRIPTION_CALLS as CALLS } from "./subscription-calls.ts";

/** `<a subject's token>.<a name>`, which `next` holds in base64url: a token's `%` would need an encoding of its own. */
const PLACE = /^[A-Za-z0-9_%-]{1,768}\.[A-Za-z0-9_-]{1,64}$/;

/** What the calls on durable subscriptions take. */
export type SubscriptionRouteDeps = LookDeps & ChangeSubscriptionDeps & Pick<TenantDeps, "subscriptions">;

type ReadCommand = (c: Context) => OperatorCommand | Promise<OperatorCommand>;

/**
 * Adds the calls on people's durable subscriptions, for operators and administrators: list and look at, pause, resume, delete; deliver
 * dead letters once more, or drop them.
 */
export function addSubscriptionRoutes(api: Hono, authorizeDeps: AuthorizeDeps, deps: SubscriptionRouteDeps): void {
  const all = "/v1/tenants/:tenant/subscriptions";
  const one = `${all}/:subject/:name`;

  api.get(all, CALLS.list, async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    const filter = {
      subject: subjectQuery(c),
      after: placeParameter(c),
      limit: readParameter(c, "limit", limitSchema(MAX_SUBSCRIPTIONS)) ?? MAX_SUBSCRIPTIONS,
    };
    const { next, ...page } = await listSubscriptions(deps, tenant, filter);
    return c.json({ ...page, ...(next !== undefined && { next: Buffer.from(next).toString("base64url") }) });
  });

  api.delete(all, CALLS.deleteAll, async (c) => {
    const tenant = tenantParameter(c);
    const by = await authorizeAdmin(authorizeDeps, c, tenant);
    requireOnlySubject(c);
    const subject = subjectQuery(c);
    const deleted = await deps.subscriptions.remove(tenant, subject);
    const address = authorizeDeps.addressOf(c);
    await deps.onChanged({ tenant, subject, change: "deleted", deleted, by, address });
    return c.json({ deleted });
  });

  api.get(one, CALLS.look, async (c) => {
    const of = nameOf(c);
    await authorizeAdmin(authorizeDeps, c, of.tenant);
    return c.json(await findSubscription(deps, of, afterParameter(c)));
  });

  const carryOut = async (c: Context, read: () => OperatorCommand | Promise<OperatorCommand>): Promise<void> => {
    const of = nameOf(c);
    const by = await authorizeAdmin(authorizeDeps, c, of.tenant);
    await changeSubscription(deps, { of, command: await read(), by, address: authorizeDeps.addressOf(c) });
  };
  const command = (path: string, description: MiddlewareHandler, read: ReadCommand): void =>
    void api.post(`${one}/${path}`, description, async (c) => {
      await carryOut(c, () => read(c));
      return c.json(await findSubscription(deps, nameOf(c)));
    });
  command("pause", CALLS.pause, async (c) => ({
    do: "pause",
    until: pausedUntil(await readJsonIfAny(c, pauseSchema)),
  }));
  command("resume", CALLS.resume, () => ({ do: "resume" }));
  command("dead/redeliver", CALLS.redeliver, async (c) => ({ do: "redeliver", dead: await readDead(c) }));
  command("dead/drop", CALLS.drop, async (c) => ({ do: "drop", dead: await readDead(c) }));

  api.delete(one, CALLS.delete, async (c) => {
    await carryOut(c, () => ({ do: "delete" }));
    return c.body(null, 204);
  });
}

function nameOf(c: Context): SubscriptionName {
  const [tenant, subject, name] = [tenantParameter(c), subjectParameter(c), c.req.param("name") ?? ""];
  if (isName(name)) return { tenant, subject, name };
  throw new AppError("malformed_request", "the name of a subscription must be 1 to 64 of A-Z a-z 0-9 _ -");
}

function subjectQuery(c: Context): string | undefined {
  const subject = singleParameter(c, "subject");
  if (subject !== undefined) requireFreeName(subject);
  return subject;
}

/** A parameter that is misspelt would delete those of the whole tenant. */
function requireOnlySubject(c: Context): void {
  const unknown = Object.keys(c.req.query()).find((name) => name !== "subject");
  if (unknown === undefined) return;
  throw new AppError("unsupported_parameter", `this call does not know the parameter "${unknown.slice(0, 64)}"`);
}

function placeParameter(c: Context): string {
  const after = Buffer.from(singleParameter(c, "after") ?? "", "base64url").toString("latin1");
  if (after === "" || PLACE.test(after)) return after;
  throw new AppError("malformed_request", "after must be the next of a page before");
}

function afterParameter(c: Context): number | undefined {
  const after = singleParameter(c, "after");
  if (after === undefined) return undefined;
  const id = parseEventId(after);
  if (id === undefined) throw new AppError("malformed_request", "after must be the id of a dead letter");
  return id.position.seq;
}

async function readDead(c: Context): Promise<"all" | string[]> {
  return deadNamedBy(await readJson(c, deadSchema));
}
