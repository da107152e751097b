import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { authSettings, DEMO_PASSWORD, readAudit, readSessionEntries } from "#test/support/start-auth.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { type RedisServer, startRedis } from "#test/support/start-redis.ts";
import { type RunningService, startService } from "#test/support/start-service.ts";

const POLICIES = fileURLToPath(new URL("../../../infra/policies", import.meta.url));

let nats: NatsServer;
let redis: RedisServer;
let policy: RunningService;
let auth: RunningService;

beforeAll(async () => {
  [nats, redis] = await Promise.all([startNats(), startRedis()]);
  const operator = { POLICY_DOCUMENTS_DIR: POLICIES, POLICY_OPERATOR_TOKEN: "an-operator-token-for-this-test" };
  policy = await startService("policy", { NATS_URL: nats.url("policy"), ...operator });
  auth = await startService("auth", {
    ...authSettings(nats, redis),
    POLICY_GRPC_URL: `127.0.0.1:${policy.ports.grpc}`,
  });
});
afterAll(async () => {
  for (const each of [auth, policy, redis, nats]) await each[Symbol.asyncDispose]();
});

interface Login {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly session_id: string;
}

interface Told {
  readonly session_id: string;
  readonly device: string;
  readonly created_at: string;
  readonly last_seen_at: string;
  readonly ends_at: string;
  readonly current: boolean;
}

function call(method: string, path: string, headers: Record<string, string>, body?: object): Promise<Response> {
  const url = `http://127.0.0.1:${auth.ports.http}/v1/auth/${path}`;
  return fetch(url, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
}

async function logIn(username: string, device?: string, tenant = "demo"): Promise<Login> {
  const headers = { "user-agent": "the browser of a test" };
  const response = await call("POST", "login", headers, { tenant, username, password: DEMO_PASSWORD, device });
  return (await response.json()) as Login;
}

function by({ access_token }: Pick<Login, "access_token">): Record<string, string> {
  return { authorization: `Bearer ${access_token}` };
}

async function listed(who: Login, query = ""): Promise<Told[]> {
  const response = await call("GET", `sessions${query}`, by(who));
  expect(response.status).toBe(200);
  return ((await response.json()) as { sessions: Told[] }).sessions;
}

async function refusalOf(response: Promise<Response>): Promise<string> {
  const answer = await response;
  const { code } = (await answer.json()) as { code: string };
  return `${answer.status} ${code}`;
}

async function refreshStatus({ refresh_token }: Login): Promise<number> {
  return (await call("POST", "refresh", {}, { refresh_token })).status;
}

describe("the list of sessions", () => {
  test("tells the caller's own, youngest first: device, times, and which one asks", async () => {
    const before = await listed(await logIn("alice"));
    const phone = await logIn("alice", "Alice's phone");
    const laptop = await logIn("alice");
    const told = await listed(laptop);
    expect(told).toHaveLength(before.length + 2);
    expect(told.slice(0, 2)).toMatchObject([
      { session_id: laptop.session_id, device: "the browser of a test", current: true },
      { session_id: phone.session_id, device: "Alice's phone", current: false },
    ]);
    const { created_at, last_seen_at, ends_at } = told[0]!;
    expect(Math.abs(Date.parse(created_at) - Date.parse(last_seen_at))).toBeLessThan(60_000);
    expect(Date.parse(ends_at) - Date.parse(created_at)).toBe(43_200_000);
  });

  test("of somebody else is for who holds session:admin in the tenant", async () => {
    const bob = await logIn("bob");
    const carol = await logIn("carol");
    expect(await refusalOf(call("GET", "sessions?subject=bob", by(await logIn("alice"))))).toBe("403 forbidden");
    expect((await listed(carol, "?subject=bob")).map(({ session_id }) => session_id)).toContain(bob.session_id);
  });

  test("never reaches into another tenant", async () => {
    const mallory = await logIn("mallory", undefined, "rival");
    expect(await listed(await logIn("carol"), "?subject=mallory")).toEqual([]);
    expect(await listed(mallory, "?subject=alice")).toEqual([]);
  });

  test("is refused without a token, with a dead session's, from a foreign page, and for what is no name", async () => {
    const alice = await logIn("alice");
    const evil = { cookie: `auth_token=${alice.access_token}`, "sec-fetch-site": "cross-site" };
    expect(await refusalOf(call("GET", "sessions", {}))).toBe("401 token_missing");
    expect(await refusalOf(call("GET", "sessions", { authorization: "Bearer x" }))).toBe("401 token_invalid");
    expect(await refusalOf(call("GET", "sessions", evil))).toBe("403 cross_site");
    expect(await refusalOf(call("GET", `sessions?access_token=${alice.access_token}`, {}))).toBe("400 token_in_url");
    for (const name of ["%00", "a%0Ab", "", "a".repeat(257), "Zoe%CC%88"]) {
      expect(await refusalOf(call("GET", `sessions?subject=${name}`, by(alice)))).toBe("400 malformed_request");
    }
    const twice = call("GET", "sessions?subject=alice&subject=bob", by(alice));
    expect(await refusalOf(twice)).toBe("400 malformed_request");
    await call("POST", "logout", by(alice));
    expect(await refusalOf(call("GET", "sessions", by(alice)))).toBe("401 session_ended");
  });
});

describe("the end of a session", () => {
  test("of one's own takes force before it is answered, and is in the log and the audit trail", async () => {
    const [kept, ended] = [await logIn("alice"), await logIn("alice")];
    expect((await call("DELETE", `sessions/${ended.session_id}`, by(kept))).status).toBe(204);
    expect(await refreshStatus(ended)).toBe(401);
    expect(await refreshStatus(kept)).toBe(200);
    expect((await listed(kept)).map(({ session_id }) => session_id)).not.toContain(ended.session_id);
    expect(await readSessionEntries(nats, "demo")).toContainEqual({ sid: ended.session_id, action: "revoked" });
    const entries = (await readAudit(nats, "demo")).filter(({ sid }) => sid === ended.session_id);
    expect(entries).toMatchObject([
      { event: "login", subject: "alice", address: "127.0.0.1" },
      { event: "session_deleted", subject: "alice", reason: "deleted" },
    ]);
  });

  test("that asks for it clears the cookies too", async () => {
    const { session_id, access_token } = await logIn("alice");
    const response = await call("DELETE", `sessions/${session_id}`, { cookie: `auth_token=${access_token}` });
    expect(response.headers.getSetCookie()[0]).toContain("auth_token=; Max-Age=0");
  });

  test("of somebody else needs session:admin in the tenant, and else there is no such session", async () => {
    const bob = await logIn("bob");
    const path = `sessions/${bob.session_id}`;
    const mallory = await logIn("mallory", undefined, "rival");
    for (const other of [await logIn("alice"), mallory]) {
      expect(await refusalOf(call("DELETE", path, by(other)))).toBe("404 not_found");
    }
    expect(await refreshStatus(bob)).toBe(200);
    expect((await call("DELETE", path, by(await logIn("carol")))).status).toBe(204);
    const { reason, by: admin } = (await readAudit(nats, "demo")).findLast(({ sid }) => sid === bob.session_id)!;
    expect([reason, admin]).toEqual(["deleted", "carol"]);
  });

  test("that is unknown or no name is not found", async () => {
    const carol = await logIn("carol");
    for (const sid of ["unknown", "*", "a.b", "%00", "a".repeat(65)]) {
      expect(await refusalOf(call("DELETE", `sessions/${sid}`, by(carol)))).toBe("404 not_found");
    }
  });
});

describe("the audit trail", () => {
  const read = async (who: Login, query = "") => {
    const response = await call("GET", `audit${query}`, by(who));
    const body = (await response.json()) as { entries: { id: string; at: string; tenant: string; event: string }[] };
    return { status: response.status, ...body };
  };

  test("is read by whoever has audit:admin in the tenant, from a time on and behind an entry", async () => {
    const carol = await logIn("carol");
    const { entries } = await read(carol);
    expect(entries.at(-1)).toMatchObject({ tenant: "demo", event: "login", subject: "carol" });
    expect(Date.parse(entries.at(-1)?.at ?? "")).toBeGreaterThanOrEqual(Date.parse(entries[0]?.at ?? ""));
    const last = entries.at(-1)?.id;
    expect((await read(carol, `?after=${last}`)).entries).toEqual([]);
    await logIn("alice");
    expect((await read(carol, `?after=${last}`)).entries).toMatchObject([{ event: "login", subject: "alice" }]);
    expect((await read(carol, `?since=${new Date(Date.now() + 60_000).toISOString()}`)).entries).toEqual([]);
  });

  test("is refused to others, and shows nothing of another tenant", async () => {
    expect((await read(await logIn("alice"))).status).toBe(403);
    const { entries } = await read(await logIn("mallory", undefined, "rival"));
    expect(entries.every(({ tenant }) => tenant === "rival")).toBe(true);
    expect(entries).not.toHaveLength(0);
    const behind = `?after=${entries.at(-1)?.id}`;
    expect((await read(await logIn("carol"), behind)).status).toBe(400);
  });

  test.each(["?after=-1", "?after=7", "?since=yesterday", "?since=1", "?since=%2B012026-01-01T00:00:00Z"])(
    "refuses %s",
    async (query) => {
      expect((await read(await logIn("carol"), query)).status).toBe(400);
    },
  );
});

test("while policy is away, one's own sessions are served, and others' are refused for now", async () => {
  const [carol, bob] = [await logIn("carol"), await logIn("bob")];
  await policy.child.end("SIGKILL");
  expect(await refusalOf(call("GET", "sessions?subject=bob", by(carol)))).toBe("503 unavailable");
  expect(await refusalOf(call("DELETE", `sessions/${bob.session_id}`, by(carol)))).toBe("503 unavailable");
  expect((await listed(carol)).length).toBeGreaterThan(0);
  expect((await call("DELETE", `sessions/${carol.session_id}`, by(carol))).status).toBe(204);
});
