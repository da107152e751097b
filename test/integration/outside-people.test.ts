import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AuthorizationClient } from "#proto/envoy/service/auth/v3/external_auth.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import { openEventStream } from "#test/support/event-stream.ts";
import { type Listening, listenHere } from "#test/support/listen-here.ts";
import { type Provider, runProvider, type RunningProvider } from "#test/support/providers/provider.ts";
import { PROVIDERS } from "#test/support/providers/providers.ts";
import { type Stack, startStack } from "#test/support/start-stack.ts";

/** A provider, and its issuer: one that has several kinds of tokens is several issuers here. */
interface Row {
  readonly provider: Provider;
  readonly running: RunningProvider;
  readonly issuer: string;
}

const rows: Row[] = PROVIDERS.map((provider, index) => {
  const running = runProvider(provider);
  return { provider, running, issuer: `${running.entry.issuer}#${index}` };
});

let folder: string;
let server: Listening;
let stack: Stack;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-outside-"));
  server = await listenHere(
    createServer(({ url = "" }, response) => {
      const [, what, index] = url.split("/");
      const { provider, running, issuer } = rows[Number(index)] ?? rows[0]!;
      if (what === "keys") return void response.end(JSON.stringify(running.keySet));
      void answerOf(running, provider).then((answer) => response.end(JSON.stringify({ ...answer, iss: issuer })));
    }),
  );
  const file = join(folder, "issuers.yaml");
  await writeFile(file, JSON.stringify(rows.map(entryOf)));
  const env = { AUTH_ISSUERS_FILE: file, AUTH_ISSUER_SECRET_HYDRA: "secret" };
  stack = await startStack({ stream: env, policy: env });
  for (const tenant of ["acme", "globex"]) {
    await stack.carryOut("PUT", tenant);
    await stack.carryOut("PUT", `${tenant}/policy`, documentOf(tenant));
  }
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** What the provider says of the token that was signed last. */
async function answerOf(running: RunningProvider, { opaque }: Provider): Promise<object> {
  return (await running.fetchJson({ url: opaque?.endpoint ?? "" })) as object;
}

/** The entry of the documentation, with this machine in place of the provider's. */
function entryOf({ provider, running, issuer }: Row, index: number): object {
  const at = (what: string): string => `http://127.0.0.1:${server.port}/${what}/${index}`;
  const { ca_file: _, introspection, ...entry } = running.entry;
  const asked = provider.opaque && { introspection: { ...(introspection as object), endpoint: at("introspect") } };
  return { ...entry, issuer, jwks_uri: at("keys"), ...asked };
}

/** Lets everybody of the fixtures see orders and administrate. */
function documentOf(tenant: string): object {
  const subjects = new Set(rows.map(({ provider }) => provider.expected.sub));
  return {
    tenant,
    roles: {
      member: { allow: ["order:read", "policy:admin"] },
      european: { allow: [{ rule: "region:read", when: "subject.region == 'eu'" }] },
    },
    bindings: [
      { role: "member", subjects: [...subjects] },
      { role: "european", subjects: [rows[0]!.provider.expected.sub] },
    ],
    trust: [{ issuer: rows[0]!.issuer, attributes: ["region"] }],
    events: { "order.*": "order:read", "region.*": "region:read" },
    routes: [
      { method: "GET", path: "/orders", permission: "order:read" },
      { method: "GET", path: "/europe", permission: "region:read" },
    ],
  };
}

async function askGateway(token: string, path = "/orders"): Promise<unknown> {
  const client = new AuthorizationClient(`127.0.0.1:${stack.policy.ports.grpc}`, credentials.createInsecure());
  const http = { method: "GET", path, host: "h", headers: { authorization: `Bearer ${token}` } };
  const { status } = await callUnary(
    client.check.bind(client),
    { attributes: { request: { http } } },
    { timeoutMs: 30_000 },
  );
  client.close();
  return status?.code;
}

describe("a person of a provider", () => {
  test.each(rows.map((row) => [`${row.provider.name}, ${row.provider.token}`, row] as const))(
    "%s, is the same at the edge, at policy and at a gateway",
    async (_, { provider, running, issuer }) => {
      const token = await running.sign({ iss: issuer });
      const { tenant_id, sub } = provider.expected;
      await using stream = await openEventStream(`${stack.streamUrl}/v1/stream?topic=order.>`, { token });
      expect(JSON.parse((await stream.frame("ready")).data)).toMatchObject({ tenant: tenant_id, subject: sub });
      const headers = { authorization: `Bearer ${token}` };
      const policy = await fetch(`${stack.policyUrl}/v1/tenants/${tenant_id}/policy`, { headers });
      expect([policy.status, await askGateway(token)]).toEqual([200, 0]);
    },
  );

  test("is shown by the edge and a gateway what a condition on an attribute of their token allows", async () => {
    const { running, issuer } = rows[0]!;
    for (const region of ["eu", "us"]) {
      const token = await running.sign({ iss: issuer, region });
      const url = `${stack.streamUrl}/v1/stream?topic=order.>&topic=region.>`;
      await using stream = await openEventStream(url, { token });
      expect(JSON.parse((await stream.frame("ready")).data)).toMatchObject({
        topics: [
          { topic: "order.>", granted: true },
          { topic: "region.>", granted: region === "eu" },
        ],
      });
      expect(await askGateway(token, "/europe")).toBe(region === "eu" ? 0 : 7);
    }
  });

  test("is refused at each of them by a token for somebody else, in the same words", async () => {
    const { running, issuer } = rows[0]!;
    const token = await running.sign({ iss: issuer, aud: "other" });
    const headers = { authorization: `Bearer ${token}` };
    const urls = [`${stack.streamUrl}/v1/stream?topic=order.>`, `${stack.policyUrl}/v1/tenants/acme/policy`];
    const answers = await Promise.all(urls.map((url) => fetch(url, { headers })));
    expect(answers.map(({ status }) => status)).toEqual([401, 401]);
    for (const answer of answers) {
      expect(await answer.json()).toMatchObject({
        code: "token_invalid",
        detail: "the token's audience (aud) is not one that its issuer's entry lists",
      });
    }
    expect(await askGateway(token)).toBe(16);
  });
});
