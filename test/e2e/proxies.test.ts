import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FailingEdge, startFailingEdge } from "#test/support/failing-edge.ts";
import {
  createClient,
  type HttpVersion,
  type SecureAnswer,
  type SecureClient,
  type SecurePlace,
  seen,
} from "#test/support/https-client.ts";
import { readAudit } from "#test/support/start-auth.ts";
import { startBrowser } from "#test/support/start-browser.ts";
import { isProxyHere, type ProxyName, type RunningProxy, startProxy } from "#test/support/start-proxy.ts";
import { tryRoads, untilBegun } from "#test/support/secure-roads.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { type Bus, type Login, type Stack, startStack } from "#test/support/start-stack.ts";
import { createTestCertificates, type TestCertificates } from "#test/support/tls.ts";
import { everyTab, openSecurePage, openTabs, tabsOf } from "#test/support/tabs.ts";
import { waitFor } from "#test/support/wait.ts";

const NAME = "app.example.com";
const ISSUER = { AUTH_ISSUER: `https://${NAME}` };
const STREAM = "/v1/stream?topic=push.>";
const VERSIONS: readonly HttpVersion[] = ["HTTP/1.1", "HTTP/2"];

/** mod_http2 gives one connection six workers, and a stream keeps its own. */
const STREAMS_PER_CONNECTION = { nginx: 200, caddy: 200, haproxy: 200, envoy: 200, apache2: 6 } as const;
/** How an edge fails before a stream has begun, and how it is asked. */
const REFUSED_BY_HAPROXY = ["HTTP/2", "dies in the headers"] as const;
const FAILURES = [
  ["HTTP/1.1", "dies in the headers"],
  REFUSED_BY_HAPROXY,
  ["HTTP/2", "says nothing"],
  // The last: HAProxy then takes the edge for gone, and does not ask it before its next check.
  ["HTTP/1.1", "refuses"],
  ["HTTP/2", "refuses"],
] as const;

const ALL = Object.keys(STREAMS_PER_CONNECTION) as ProxyName[];
const HERE = ALL.filter(isProxyHere);

let stack: Stack;
let bus: Bus;
/** The edge that runs now. */
let edge: RunningService;
let bob: Login;
let certificates: TestCertificates;
let failingEdge: FailingEdge;
let browser: Browser;
/** In front of the stack. */
let proxies: Map<ProxyName, RunningProxy>;
/** In front of an edge that only fails, which they leave after a second of silence. */
let impatient: Map<ProxyName, RunningProxy>;
const owner = new AsyncDisposableStack();

beforeAll(async () => {
  stack = owner.use(
    await startStack({
      stream: { SLUICE_DEMO: "1", STREAM_DRAIN_MS: "100", ...ISSUER },
      auth: { AUTH_TRUSTED_PROXIES: "127.0.0.1", ...ISSUER },
      policy: ISSUER,
    }),
  );
  [edge, bus, bob] = [stack.edge, await stack.bus("demo"), await stack.login("bob")];
  failingEdge = owner.use(await startFailingEdge());
  certificates = owner.use(await createTestCertificates());
  const { GRPC_TLS_CERT_FILE: certificate, GRPC_TLS_KEY_FILE: key } = await certificates.issue("proxy", {
    dnsName: NAME,
  });
  const services = { auth: stack.auth.ports.http, policy: stack.policy.ports.http, certificate, key };
  const start = async (more: { edge: number; silenceSeconds?: number }) => {
    const starting = HERE.map(async (name) => owner.use(await startProxy(name, { ...services, ...more })));
    return new Map((await Promise.all(starting)).map((proxy) => [proxy.name, proxy]));
  };
  proxies = await start({ edge: edge.ports.http });
  impatient = await start({ edge: failingEdge.port, silenceSeconds: 1 });
  browser = await startBrowser({ names: [NAME] });
  owner.defer(() => browser.close());
});
afterAll(() => owner.disposeAsync());

test.for(ALL.filter((name) => !HERE.includes(name)))("%s is not on this machine", (_, { skip }) => skip());

describe.for(HERE)("behind %s", (name) => {
  test.for(VERSIONS)("each event arrives at once over %s, with and without gzip", async (version) => {
    using client = createClient[version](placeOf(proxies, name));
    const plain = await client.ask(streamOf({ "accept-encoding": "identity" }));
    const silent = await client.ask(streamOf({}));
    const gzip = await client.ask(streamOf({ "accept-encoding": "gzip, br" }));
    for (const stream of [plain, silent, gzip]) {
      await seen(stream, "event: ready");
      expect(stream.status).toBe(200);
      expect(stream.headers).toMatchObject({
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store, no-transform",
        "x-connection-id": expect.stringMatching(/^[\w-]+$/) as unknown,
      });
      expect(stream.headers["content-length"]).toBeUndefined();
    }
    const codings = [plain, silent, gzip].map(({ headers }) => headers["content-encoding"]);
    expect(codings).toEqual([undefined, undefined, "gzip"]);
    // The next is published only when this one was seen: whoever collects several shows none.
    for (const size of [1, 40, 5_000, 1]) {
      const text = `${name} ${version} ${size} ${"x".repeat(size)}`;
      await bus.publish("events.demo.push.event.k", text);
      for (const stream of [plain, silent, gzip]) await seen(stream, `data: ${text}\n`);
    }
  });

  test("every road brings an event at once", async () => {
    const roads = await tryRoads(placeOf(proxies, name), { token: bob.access_token, bus });
    expect(roads).toEqual(["ndjson", "websocket", "poll"]);
  });

  test("requests go to the service that they are for", async () => {
    using client = createClient["HTTP/2"](placeOf(proxies, name));
    const ask = async (path: string, more: object = {}): Promise<[number, string]> => {
      const answer = await client.ask({ path, ...more });
      await answer.end;
      return [answer.status, withoutId(answer.text())];
    };
    expect(await ask("/.well-known/jwks.json")).toEqual([200, expect.stringContaining('"keys"')]);
    expect(await ask("/v1/auth/sessions")).toEqual([401, expect.stringContaining("token_missing")]);
    // An import may be long; policy itself says that this one has no token.
    const long = { method: "PUT", body: "x".repeat(2_000_000) };
    const direct = await fetch(`${stack.policyUrl}/v1/tenants/demo/import`, long);
    expect(await ask("/v1/tenants/demo/import", long)).toEqual([direct.status, withoutId(await direct.text())]);
    expect(await ask("/demo")).toEqual([200, expect.stringContaining("<html")]);
    expect(await ask("/v1/streams/nobody/token")).toEqual([expect.any(Number), expect.stringContaining("code")]);
  });

  test("a page of this host may log in and use its cookies, which are Secure; a foreign page may not", async () => {
    const place = placeOf(proxies, name);
    using client = createClient["HTTP/2"](place);
    const own = `https://${NAME}:${place.port}`;
    const logIn = (origin: string): Promise<SecureAnswer> =>
      client.ask({
        method: "POST",
        path: "/v1/auth/login",
        headers: { "content-type": "application/json", origin },
        body: JSON.stringify({ tenant: "demo", username: "bob", password: "sluice-demo" }),
      });
    const answer = await logIn(own);
    expect(answer.status).toBe(200);
    const cookies = answer.headers["set-cookie"] ?? "";
    const refreshToken = /__Host-refresh_token=[^;]+(?=; .* Secure;)/.exec(cookies)?.[0] ?? "";
    const renewed = await client.ask(streamOf({ authorization: "", cookie: refreshToken, origin: own }));
    await seen(renewed, "event: ready");
    expect(renewed.headers["set-cookie"]).toMatch(/^__Host-auth_token=.+ Secure;/);
    const stolen = { authorization: "", cookie: refreshToken, origin: "https://evil.example" };
    expect([(await logIn(stolen.origin)).status, (await client.ask(streamOf(stolen))).status]).toEqual([403, 403]);
  });

  test("auth knows the address of the browser, whatever the browser says about it", async () => {
    using client = createClient["HTTP/2"]({ ...placeOf(proxies, name), localAddress: addressOf(name) });
    await client.ask({
      method: "POST",
      path: "/v1/auth/login",
      headers: { "content-type": "application/json", "x-forwarded-for": "203.0.113.9" },
      body: JSON.stringify({ tenant: "demo", username: "alice", password: "sluice-demo" }),
    });
    const told = await waitFor("the login is in the audit trail", async () => {
      const addresses = (await readAudit(stack.nats, "demo")).map(({ address }) => address);
      return addresses.includes(addressOf(name)) || addresses.includes("203.0.113.9") ? addresses : undefined;
    });
    expect(told).not.toContain("203.0.113.9");
  });

  test(`one connection carries ${STREAMS_PER_CONNECTION[name]} streams`, async () => {
    using client = createClient["HTTP/2"](placeOf(proxies, name));
    const asking = Array.from({ length: STREAMS_PER_CONNECTION[name] }, () => client.ask(streamOf({})));
    const streams = await Promise.all(asking);
    await Promise.all(streams.map((stream) => seen(stream, "event: ready")));
    await bus.publish("events.demo.push.event.k", `${name} to all`);
    await Promise.all(streams.map((stream) => seen(stream, `data: ${name} to all\n`)));
  });

  test.for(VERSIONS.filter((version) => name !== "haproxy" || version !== "HTTP/2"))(
    "a stream that is cut off is broken off over %s",
    async (version) => {
      expect(await endOfCutStream(name, version)).toBe("broken");
    },
  );

  test.for(FAILURES.filter((each) => name !== "haproxy" || each !== REFUSED_BY_HAPROXY))(
    "over %s an edge that %s is told as an event stream to those who read them",
    async ([version, failure]) => {
      await failingEdge.fail(failure);
      using client = createClient[version](placeOf(impatient, name));
      const reading = client.ask(streamOf({ "last-event-id": "e.1.t" }));
      const others = [
        streamOf({ "x-sluice-client": "js/1" }),
        streamOf({ accept: "text/html" }),
        { ...streamOf({}), method: "POST", body: "{}" },
        { ...streamOf({}), path: "/v1/streams/c/token" },
      ].map((request) => client.ask(request));
      const answer = await reading;
      expect(answer).toMatchObject({ status: 200, headers: { "cache-control": "no-store" } });
      expect(answer.headers["content-type"]).toMatch(/^text\/event-stream/);
      expect(await answer.end).toBe("whole");
      expect(answer.text()).toBe('retry: 2000\nevent: busy\ndata: {"reason":"unavailable","retryMs":2000}\n\n');
      for (const { status } of await Promise.all(others)) expect([502, 503, 504]).toContain(status);
    },
  );
});

/** Browsers come back from both all the same, see below. */
describe.runIf(HERE.includes("haproxy"))("behind haproxy over HTTP/2", () => {
  test("an edge that dies in the headers is told as a stream refused, which clients may ask for again", async () => {
    using client = createClient["HTTP/2"](placeOf(impatient, "haproxy"));
    await askForBegunStream(client);
    failingEdge.cut();
    await failingEdge.fail("dies in the headers");
    await expect(client.ask(streamOf({}))).rejects.toThrow("NGHTTP2_REFUSED_STREAM");
  });

  test("a stream that is cut off ends as if it were whole", async () => {
    expect(await endOfCutStream("haproxy", "HTTP/2")).toBe("whole");
  });
});

describe("in a browser, behind every proxy", { timeout: 180_000 }, () => {
  test.for(["SIGTERM", "SIGKILL"] as const)(
    "every tab comes back after %s and a new start of the edge, and misses nothing",
    async (signal) => {
      const pages = await Promise.all(HERE.map((name) => openPage(proxies, name, "/demo")));
      await Promise.all(pages.map((page, place) => openTabs(page, STREAM, tabsBehind(HERE[place]))));
      await everyTab(pages, "ready", ({ dispatched }) => dispatched.includes("ready"));
      await bus.publish("events.demo.push.event.k", "before");
      await everyTab(pages, "the first event", ({ received }) => received.includes("before"));
      await edge.child.end(signal);
      await everyTab(pages, "busy", ({ dispatched }) => dispatched.includes("busy"));
      await bus.publish("events.demo.push.event.k", "while it was gone");
      edge = await stack.startEdge({ STREAM_HTTP_PORT: String(edge.ports.http) });
      await bus.publish("events.demo.push.event.k", "end");
      await everyTab(pages, "the end", ({ received }) => received.includes("end"));
      for (const { received, dispatched } of (await Promise.all(pages.map(tabsOf))).flat()) {
        expect(received).toEqual(["before", "while it was gone", "end"]);
        expect(dispatched).not.toContain("reset");
      }
      await Promise.all(pages.map((page) => page.context().close()));
    },
  );

  test.for(["refuses", "dies in the headers"] as const)("an EventSource survives an edge that %s", async (failure) => {
    await failingEdge.fail(failure);
    // Any page of the host will do: this one comes from auth.
    const pages = await Promise.all(HERE.map((name) => openPage(impatient, name, "/.well-known/jwks.json")));
    await Promise.all(pages.map((page) => openTabs(page, STREAM, 1)));
    await everyTab(pages, "an attempt that failed", ({ dispatched }) => dispatched.includes("error"));
    await failingEdge.fail("begins streams");
    await everyTab(pages, "an event", ({ received }) => received.includes("first"));
    await Promise.all(pages.map((page) => page.context().close()));
  });
});

const withoutId = (problem: string): string => problem.replace(/urn:sluice:request:[\w-]+/, "");

/** How a client sees the end of a stream whose edge is killed. */
async function endOfCutStream(name: ProxyName, version: HttpVersion): Promise<"whole" | "broken"> {
  using client = createClient[version](placeOf(impatient, name));
  const stream = await askForBegunStream(client);
  failingEdge.cut();
  return await stream.end;
}

async function askForBegunStream(client: SecureClient): Promise<SecureAnswer> {
  await failingEdge.fail("begins streams");
  return untilBegun(() => client.ask(streamOf({})), "data: first\n\n");
}

/** A page of bob's, which logs him in itself where the proxy has the patience. */
function openPage(running: typeof proxies, name: ProxyName, path: string): Promise<Page> {
  const url = `https://${NAME}:${placeOf(running, name).port}${path}`;
  return openSecurePage(browser, url, running === impatient ? { token: bob.access_token } : { username: "bob" });
}

/** More streams than a browser may have connections, where the proxy lets them through. */
function tabsBehind(name: ProxyName | undefined): number {
  return name === undefined ? 0 : Math.min(8, STREAMS_PER_CONNECTION[name]);
}

function placeOf(running: ReadonlyMap<ProxyName, RunningProxy>, name: ProxyName): SecurePlace {
  const proxy = running.get(name);
  if (proxy === undefined) throw new Error(`${name} does not run`);
  return { port: proxy.port, name: NAME, ca: certificates.authority.certificate };
}

/** An address of this machine that nobody else asks from. */
function addressOf(name: ProxyName): string {
  return `127.0.0.${10 + ALL.indexOf(name)}`;
}

function streamOf(headers: Readonly<Record<string, string>>) {
  const { authorization = `Bearer ${bob.access_token}`, ...others } = headers;
  const token = authorization === "" ? {} : { authorization };
  return { path: STREAM, headers: { accept: "text/event-stream", ...token, ...others } };
}
