import { OPERATOR_TOKEN } from "#test/support/start-stack.ts";
import { INPUTS_TENANT, type InputsWorld } from "./inputs-world.ts";
import type { OutsideInput } from "./outside-input.ts";
import { largestDocuments, refusedTexts, smallestDocument } from "./policy-documents.ts";

/** A person may be anything of up to 256 bytes. */
const LONGEST_NAME = 256;

/** What people and programs may send to auth. */
export function authInputs({ stack, token }: InputsWorld): readonly OutsideInput[] {
  const { auth: service, authUrl } = stack;
  const auth = (name: string, send: OutsideInput["send"]): OutsideInput => ({
    name: `auth, ${name}`,
    service,
    refusals: [400, 401, 413, 429],
    send,
  });
  const post = (path: string, body: object, headers: Record<string, string> = {}): Promise<number> =>
    statusOf(fetch(`${authUrl}${path}`, jsonRequest("POST", body, headers)));
  return [
    auth("a password", (size) => {
      const [username, password] = size === "largest" ? ["ü".repeat(LONGEST_NAME / 2), "ü".repeat(2_048)] : ["x", "x"];
      return post("/v1/auth/login", { tenant: "demo", username, password });
    }),
    auth("a refresh token", (size) =>
      post("/v1/auth/refresh", { refresh_token: size === "largest" ? "a.1.".repeat(2_000) : "a.1.b" }),
    ),
    auth("cookies", (size) => {
      const count = size === "largest" ? 3_000 : 1;
      const cookie = Array.from({ length: count }, (_, index) => `refresh_token=f${index}.1.m`).join("; ");
      return post("/v1/auth/refresh", {}, { cookie });
    }),
    auth("a token", (size) => {
      const authorization = `Bearer ${size === "largest" ? "a.".repeat(40_000) : token}`;
      return statusOf(fetch(`${authUrl}/v1/auth/sessions`, { headers: { authorization } }));
    }),
  ];
}

/** What administrators, programs and strangers may send to policy. */
export function policyInputs(world: InputsWorld): readonly OutsideInput[] {
  const { policy: service } = world.stack;
  const policy = (name: string, send: OutsideInput["send"], refusals: readonly number[] = []): OutsideInput => ({
    name: `policy, ${name}`,
    service,
    refusals,
    send,
  });
  const operate = async (method: string, rest: string, body: object): Promise<number> =>
    (await world.stack.operate(method, `${INPUTS_TENANT}${rest}`, body)).status;
  const documents = [...largestDocuments(INPUTS_TENANT)].flatMap(([name, document]) => [
    policy(`a document: ${name}`, (size) =>
      operate("PUT", "/policy", size === "largest" ? document : smallestDocument(INPUTS_TENANT)),
    ),
    policy(`roles of a person after ${name}`, (size) =>
      operate("PUT", "/subjects/someone/roles", {
        roles: Object.keys(document.roles).slice(0, size === "largest" ? 64 : 1),
      }),
    ),
    policy(`a check after ${name}`, (size) => operate("POST", "/check", questionOf(size === "largest" ? 16_000 : 1))),
    policy(`an explanation after ${name}`, (size) =>
      operate("POST", "/explain", questionOf(size === "largest" ? 16_000 : 1)),
    ),
  ]);
  const refused = [...refusedTexts(INPUTS_TENANT)].map(([name, text]) =>
    policy(`a text: ${name}`, (size) => putText(world, size === "largest" ? text : "x"), [400, 413, 422, 429]),
  );
  return [...documents, ...refused];
}

function questionOf(count: number): object {
  return {
    subject: "someone",
    permission: "order:read",
    roles: Array.from({ length: count }, (_, index) => `role-${index}`),
    groups: Array.from({ length: count }, (_, index) => `group-${index}`),
  };
}

function putText({ stack }: InputsWorld, text: string): Promise<number> {
  return statusOf(
    fetch(`${stack.policyUrl}/v1/tenants/${INPUTS_TENANT}/policy`, {
      method: "PUT",
      headers: { "content-type": "application/yaml", authorization: `Bearer ${OPERATOR_TOKEN}` },
      body: text,
    }),
  );
}

function jsonRequest(method: string, body: object, headers: Record<string, string>): RequestInit {
  return { method, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}

async function statusOf(answering: Promise<Response>): Promise<number> {
  const answer = await answering;
  await answer.arrayBuffer();
  return answer.status;
}
