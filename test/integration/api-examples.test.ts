import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DescribedCall, documentOf, type OpenApiDocument, walkRoutes } from "../../scripts/apis/describe-api.ts";
import { jsonSchemas } from "../../scripts/apis/json-schemas.ts";
import { type ServiceApi, serviceApis } from "../../scripts/apis/service-apis.ts";
import type { CallExample } from "#shared/http/openapi/describe-call.ts";
import { type Acme, startAcme } from "#test/rigs/acme.ts";
import { requireOk } from "#test/support/require-ok.ts";
import { OPERATOR_TOKEN } from "#test/support/start-stack.ts";
import { openEventStream } from "#test/support/event-stream.ts";

const FORM = "application/x-www-form-urlencoded";

let acme: Acme;
let token: string;

beforeAll(async () => {
  acme = await startAcme();
  ({ access_token: token } = await acme.logIn());
});
afterAll(() => acme[Symbol.asyncDispose]());

/** What an example's own words cannot know: ids and tokens that are made as the test runs. */
const MADE: Readonly<Record<string, () => Promise<Partial<CallExample> & { readonly token?: string }>>> = {
  refreshTokens: async () => ({ body: { refresh_token: (await acme.logIn()).refresh_token } }),
  renewAccessToken: async () => ({ body: { refresh_token: (await acme.logIn()).refresh_token } }),
  logOut: async () => ({ token: (await acme.logIn()).access_token }),
  endSession: async () => ({ path: { sid: (await acme.logIn()).session_id } }),
  addClientSecret: async () => ({ path: await makeKey() }),
  withdrawClient: async () => ({ path: await makeKey() }),
  withdrawClientSecret: async () => ({ path: { ...(await makeKey()), number: "1" } }),
};

/** Makes a producer's key, and answers what paths call it. */
async function makeKey(): Promise<{ readonly tenant: string; readonly id: string }> {
  const response = await fetch(`${acme.urls.auth}/v1/auth/tenants/acme/clients`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "orders" }),
  });
  const { client_id: id } = (await response.json()) as { readonly client_id: string };
  return { tenant: "acme", id };
}

/** What is deleted was there before: those calls come last. */
function inOrder(calls: readonly DescribedCall[]): readonly DescribedCall[] {
  const isLast = ({ method }: DescribedCall): boolean => method === "delete";
  return [...calls.filter((call) => !isLast(call)), ...calls.filter(isLast)];
}

async function send(service: ServiceApi["service"], call: DescribedCall): Promise<Response> {
  const { description, method, path } = call;
  const { id, by, body, example } = description;
  const made = await MADE[id]?.();
  const { path: names = {}, query = {}, headers = {}, body: sent } = { ...example, ...made };
  const target = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(names[name] ?? ""));
  const search = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((each): [string, string] => [name, each]),
  );
  const [type = ""] = Object.keys(body?.content ?? {});
  const own = service === "policy" ? OPERATOR_TOKEN : (made?.token ?? token);
  return fetch(
    `${acme.urls[service]}${target}${search.length === 0 ? "" : `?${new URLSearchParams(search).toString()}`}`,
    {
      method: method.toUpperCase(),
      headers: {
        ...(by.includes("bearer") && { authorization: `Bearer ${own}` }),
        ...(by.includes("client") && { authorization: acme.client }),
        ...(sent !== undefined && { "content-type": type }),
        ...headers,
      },
      ...(sent !== undefined && { body: textOf(type, sent) }),
    },
  );
}

function textOf(type: string, body: unknown): string {
  if (typeof body === "string") return body;
  return type === FORM ? String(new URLSearchParams(body as Record<string, string>)) : JSON.stringify(body);
}

/** A document whose answers have the members that it says, and no others. */
function closed(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(closed);
  if (typeof part !== "object" || part === null) return part;
  const members = Object.entries(part).map(([name, each]) => [name, name === "allOf" ? each : closed(each)] as const);
  const isOpen = "properties" in part && "type" in part && !("additionalProperties" in part);
  return { ...Object.fromEntries(members), ...(isOpen && { additionalProperties: false }) };
}

/** What is wrong with an answer by the document; nothing where it is as described. */
async function faultsOf(document: OpenApiDocument, call: DescribedCall, response: Response): Promise<unknown> {
  const type = response.headers.get("content-type")?.split(";")[0] ?? "";
  const isJson = /[/+]json$/.test(type);
  const responses = document.paths?.[call.path]?.[call.method as "get"]?.responses;
  const described = responses?.[String(response.status)];
  const content = described !== undefined && "content" in described ? described.content : undefined;
  if (type === "" && content === undefined) return undefined;
  const { schema } = (content?.[type] ?? {}) as { schema?: object };
  if (schema === undefined) return `an answer of ${type} is not described`;
  if (!isJson) {
    await response.body?.cancel();
    return undefined;
  }
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const { components } = closed({ components: document.components }) as { components: object };
  const check = ajv.compile({ ...(closed(schema) as object), components });
  const answer: unknown = await response.json();
  return check(answer) ? undefined : { answer, errors: check.errors };
}

test("the frames of a stream fit their JSON Schemas, and the event its own", async () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const schemas = jsonSchemas();
  ajv.addSchema(schemas["frames"] ?? {}).addSchema(schemas["cloud-event"] ?? {});
  const { access_token: own, session_id: sid } = await acme.logIn();
  const query = "topic=order.>&presence=order.>&format=cloudevents&lastEventId=aaaaaaaaaaaa.1.0";
  await using stream = await openEventStream(`${acme.urls.stream}/v1/stream?${query}`, { token: own });
  const { connectionId } = JSON.parse((await stream.frame("ready")).data) as { connectionId: string };
  const call = (path: string, body: object): Promise<Response> =>
    fetch(`${acme.urls.stream}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${own}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  await call(`/v1/streams/${connectionId}/topics`, { add: ["order.created.42"] });
  await call("/v1/events", { type: "order.created", key: "frames", data: { total: 1 } });
  await stream.frame(({ data }) => data.includes("order.created.frames"));
  await stream.frame("presence");
  const headers = { authorization: `Bearer ${own}` };
  await requireOk(fetch(`${acme.urls.auth}/v1/auth/sessions/${sid}`, { method: "DELETE", headers }));
  await stream.frame("auth_error");
  const faults = stream.frames.flatMap(({ event, data }) => {
    const schema = event === "message" ? "urn:sluice:schema:cloud-event" : `urn:sluice:schema:frames#/$defs/${event}`;
    return ajv.validate(schema, data === "" ? "" : JSON.parse(data)) ? [] : [{ event, data, errors: ajv.errors }];
  });
  expect(faults).toEqual([]);
  const kinds = new Set(stream.frames.map(({ event }) => event));
  expect([...kinds].toSorted()).toEqual(["auth_error", "message", "presence", "ready", "reset", "subscription"]);
});

// The publisher's and the edge's first: policy's replace what ann may do.
describe.each(
  ["auth", "publish", "stream", "policy"].map(
    (name) => [name, serviceApis().find(({ service }) => service === name)] as const,
  ),
)("the examples of %s", (_, described) => {
  if (described === undefined) throw new Error("there is no such API");
  const { calls } = walkRoutes(described.api);
  const document = documentOf(calls, described);

  test.each(inOrder(calls).map((call) => [call.description.id, call] as const))(
    "%s gets the status and an answer as they are described",
    async (id, call) => {
      const response = await send(described.service, call);
      const refused = response.ok ? "" : await response.clone().text();
      expect([id, response.status, refused]).toEqual([id, call.description.example.status, response.ok ? "" : refused]);
      expect(await faultsOf(document, call, response)).toBeUndefined();
    },
  );
});
