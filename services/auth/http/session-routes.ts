import type { BlockList } from "node:net";
import type { Context, Hono } from "hono";
import { inTurns } from "#shared/async/in-turns.ts";
import { isName } from "#shared/protocol/names.ts";
import { freeNameSchema, nameSchema } from "#shared/contract/name-schema.ts";
import { BY_TOKEN, TOKEN_ERRORS } from "#shared/http/openapi/credentials.ts";
import { describeCall, jsonAnswer } from "#shared/http/openapi/describe-call.ts";
import { readParameter } from "#shared/http/read-parameter.ts";
import type { CallContext } from "#shared/async/call-context.ts";
import { callContextOf } from "#shared/http/json-api.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { EndedSession, RevokeSession } from "../sessions/revoke-session.ts";
import type { Revocations, SessionIndex, SessionRecord, SessionStore } from "../sessions/session.ts";
import { clientAddressOf } from "#shared/http/client-address.ts";
import type { TokenCookies } from "#shared/http/token-cookies.ts";
import { sessionsSchema } from "./auth-answers.ts";
import { type AuthenticateCaller, type Caller, type IdentifyCaller, sessionOf } from "./authenticate-caller.ts";
import { clearSessionCookies } from "./session-cookies.ts";

/** Whether a subject holds a permission without any condition, asked for that request; throws AppError `unavailable` when that is not known. */
export type CheckPermission = (
  subject: {
    readonly tenant: string;
    readonly id: string;
    readonly roles: readonly string[];
    readonly groups: readonly string[];
  },
  permission: string,
  context?: CallContext,
) => Promise<boolean>;

interface SessionRoutes {
  readonly identify: IdentifyCaller;
  readonly authenticate: AuthenticateCaller;
  readonly sessions: SessionStore & SessionIndex;
  readonly revocations: Revocations;
  readonly revoke: RevokeSession;
  readonly checkPermission: CheckPermission;
  readonly cookies: TokenCookies;
  readonly trustedProxies: BlockList;
}

/** Of how many sessions auth asks at once whether they have ended: a list has up to a thousand. */
const ASKED_AT_ONCE = 50;

const SESSION_ADMIN = "session:admin";

const LIST = describeCall({
  id: "listSessions",
  tag: "Sessions",
  summary: "Lists one's own sessions, or with `session:admin` those of another person of the tenant",
  by: BY_TOKEN,
  query: { subject: freeNameSchema.describe("Whose sessions; one's own without it.") },
  answers: { 200: jsonAnswer("The sessions that live.", sessionsSchema) },
  errors: [...TOKEN_ERRORS, "forbidden"],
  example: { status: 200 },
});

const END = describeCall({
  id: "endSession",
  tag: "Sessions",
  summary: "Ends a session and cuts its streams: one's own, or with `session:admin` another person's",
  by: BY_TOKEN,
  path: { sid: nameSchema },
  answers: { 204: { is: "The session has ended." } },
  errors: [...TOKEN_ERRORS, "forbidden", "not_found"],
  example: { path: { sid: "Zk3f9a" }, status: 204 },
});

/** Adds the list of sessions and the end of one: one's own, or with `session:admin` those of one's tenant. */
export function addSessionRoutes(api: Hono, routes: SessionRoutes): void {
  const { identify, authenticate, sessions, revocations } = routes;

  api.get("/v1/auth/sessions", LIST, async (c) => {
    const caller = await authenticate(c);
    const { tenant_id: tenant, sub, sid: current } = caller.claims;
    const subject = readParameter(c, "subject", freeNameSchema) ?? sub;
    if (subject !== sub && !(await isAdmin(routes, caller, c))) {
      throw new AppError("forbidden", `other people's sessions need the permission ${SESSION_ADMIN}`);
    }
    const stored = await sessions.ofSubject(tenant, subject);
    // Redis may have lost that one of them ended.
    const ended = await inTurns(stored, ASKED_AT_ONCE, ({ sid, loginAt }) =>
      revocations.includes(tenant, sid, loginAt),
    );
    return c.json({
      sessions: stored.filter((_, place) => !ended[place]).map((each) => sessionResponseOf(each, current)),
    });
  });

  api.delete("/v1/auth/sessions/:sid", END, async (c) => {
    const claims = await identify(c);
    const { sub, sid: current } = claims;
    const sid = c.req.param("sid");
    // Its own session a token may end again: the first time may have been answered "not now", half done.
    const session = sid === current ? sessionOf(claims) : await otherSession(routes, await authenticate(c), c);
    const by = session.subject === sub ? {} : { by: sub };
    const address = clientAddressOf(c, routes.trustedProxies);
    await routes.revoke(session, { reason: "deleted", address, ...by });
    if (sid === current) clearSessionCookies(c, routes.cookies);
    return c.body(null, 204);
  });
}

/** Another session, if the caller may end it. Other callers do not learn whether it exists. */
async function otherSession(routes: SessionRoutes, caller: Caller, c: Context): Promise<EndedSession> {
  const sid = c.req.param("sid") ?? "";
  const { tenant_id: tenant, sub } = caller.claims;
  const session = isName(sid) ? await routes.sessions.find(sid) : undefined;
  const isReachable = session?.tenant === tenant && (session.subject === sub || (await isAdmin(routes, caller, c)));
  if (!isReachable) throw new AppError("not_found", "you have no such session");
  return session;
}

function isAdmin({ checkPermission }: SessionRoutes, { holder }: Caller, c: Context): Promise<boolean> {
  const { tenant, username: id, roles, groups } = holder;
  return checkPermission({ tenant, id, roles, groups }, SESSION_ADMIN, callContextOf(c));
}

function sessionResponseOf(session: SessionRecord, current: string): Record<string, unknown> {
  return {
    session_id: session.sid,
    client_id: session.clientId,
    device: session.device,
    created_at: session.loginAt,
    last_seen_at: new Date(session.lastSeenAt).toISOString(),
    ends_at: new Date(session.endsAt).toISOString(),
    current: session.sid === current,
  };
}
