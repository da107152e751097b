import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectIn } from "../../services/client/connect.ts";
import { ownEnvironment } from "../../services/client/environment/own-environment.ts";
import type { ClientRoad } from "../../services/client/options.ts";
import { amountOf, timeoutOf } from "../soak/amount.ts";
import { type BufferingProxy, startBufferingProxy } from "#test/rigs/buffering-proxy.ts";
import { type Issuer, startIssuer } from "#test/support/start-issuer.ts";
import { readMetric } from "#test/support/read-metric.ts";
import { type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

const ISSUER = "https://login.example.com";

/** Fewer people prove nothing. */
const PEOPLE = 10;

/** Clients that are told which roads there are; a soak waits for what each minute brings them. */
const ASKED = amountOf("breaker", 0);
const MINUTE_MS = 60_000;

let issuer: Issuer;
let stack: Stack;
let proxy: BufferingProxy;
const owner = new AsyncDisposableStack();

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-failing-road-"));
  owner.defer(() => rm(folder, { recursive: true }));
  issuer = owner.use(await startIssuer());
  const file = join(folder, "issuers.yaml");
  const entry = { issuer: ISSUER, jwks_uri: issuer.jwksUri, audience: "api", tenant: "acme" };
  await writeFile(file, JSON.stringify([{ ...entry, algorithms: ["ES256"], claims: { groups: "groups" } }]));
  const issuers = { AUTH_ISSUERS_FILE: file };
  stack = owner.use(await startStack({ stream: issuers, policy: issuers }));
  await stack.carryOut("PUT", "acme");
  const installed = await stack.operate("PUT", "acme/policy", {
    tenant: "acme",
    roles: { member: { allow: ["order:read"] } },
    bindings: [{ role: "member", subjects: ["group:staff"] }],
    trust: [{ issuer: ISSUER, groups: true }],
    events: { "order.*": "order:read" },
  });
  if (installed.status !== 200) throw new Error(JSON.stringify(installed.body));
  proxy = owner.use(await startBufferingProxy(stack.edge.ports.http));
});
afterAll(() => owner.disposeAsync());

function tokenOf(subject: string): Promise<string> {
  const iat = Math.floor(Date.now() / 1_000);
  const claims = { iss: ISSUER, aud: "api", sub: subject, groups: ["staff"] };
  return issuer.sign({ ...claims, iat, exp: iat + 3_600 });
}

/** Follows a stream by our client, which reports as one in twenty does. */
async function follow(subject: string, url: string, transports: readonly ClientRoad[], client?: string): Promise<void> {
  const environment = { ...ownEnvironment(), random: () => 0.01 };
  const ignore = { onGap: "ignore", onReset: "ignore", onDegraded: "ignore" } as const;
  const token = await tokenOf(subject);
  const named = client === undefined ? {} : { client };
  const options = { url, topics: ["order.>"], token, transports, reports: true, ...named, ...ignore };
  const stream = connectIn(environment, options);
  owner.defer(() => stream.close());
  await waitFor(`${subject} is live`, () => stream.state.name === "live").catch((error: Error) => {
    throw new Error(`${error.message}: ${JSON.stringify(stream.state)}`);
  });
}

/** The roads that capabilities name for this client. */
async function offeredTo(token: string, client: string): Promise<readonly string[]> {
  const headers = { authorization: `Bearer ${token}` };
  const ask = (): Promise<Response> => fetch(`${stack.streamUrl}/v1/capabilities?client=${client}`, { headers });
  // A connection that was idle may be closed in the moment in which it is used again.
  const answer = await ask().catch(ask);
  return ((await answer.json()) as { readonly transports: readonly string[] }).transports;
}

test("a road that fails for ten people of a tenant is named to none of its others, and to other tenants it is", async () => {
  const [other, stranger] = [await tokenOf("other"), (await stack.login("alice")).access_token];
  expect(await offeredTo(other, "tab")).toContain("websocket");
  // The proxy passes no upgrade on: they go on by polls, and say so.
  const people = Array.from({ length: PEOPLE }, (_, person) => `p${person}`);
  await Promise.all(people.map((person) => follow(person, proxy.url, ["websocket", "poll"])));
  await waitFor("it is taken away", async () => (await readMetric(stack.edge, AWAY)) === 1);
  expect(await offeredTo(other, "tab")).toEqual(["sse", "ndjson", "poll"]);
  const headers = { authorization: `Bearer ${other}` };
  const left = new AbortController();
  const stream = await fetch(`${stack.streamUrl}/v1/stream?topic=order.>`, { headers, signal: left.signal });
  expect(stream.headers.get("x-sluice-transports")).toBe("sse, ndjson, poll");
  left.abort();
  expect(await offeredTo(stranger, "tab")).toContain("websocket");
});

test.runIf(ASKED > 0)(
  "a minute later one client in twenty is sent there again, and another minute later all, where it works for these",
  async () => {
    const token = await tokenOf("other");
    const clients = Array.from({ length: ASKED }, (_, index) => `client-${index}`);
    const sent = async (): Promise<readonly string[]> => {
      // To ask for all of them takes time.
      await delay(1_000);
      const offers = await Promise.all(
        clients.map(async (client) => [client, await offeredTo(token, client)] as const),
      );
      return offers.filter(([, roads]) => roads.includes("websocket")).map(([client]) => client);
    };
    expect(await sent()).toEqual([]);
    await waitFor("some are sent there", async () => (await sent()).length > 0, 2 * MINUTE_MS);
    // The minute may have been over in the middle of the questions.
    const trying = await sent();
    expect(trying.length).toBeLessThan(ASKED / 8);
    for (const client of trying) await follow(`trying-${client}`, stack.streamUrl, ["websocket"], client);
    expect(await sent()).toEqual(trying);
    await waitFor("all are sent there", async () => (await sent()).length === ASKED, 2 * MINUTE_MS);
    expect(await readMetric(stack.edge, AWAY)).toBe(0);
  },
  timeoutOf(30_000),
);

const AWAY = 'sluice_stream_transport_away{transport="websocket"}';
