import type { InputsWorld } from "./inputs-world.ts";
import { answers, type InputSize, type OutsideInput } from "./outside-input.ts";
import { formRequest, jsonRequest, statusOf } from "./send-request.ts";

/** A person may be anything of up to 256 bytes. */
const LONGEST_NAME = 256;

const FORM_BYTES = 15_000;

/** What people and programs may send to auth. */
export function authInputs({ stack, token }: InputsWorld): readonly OutsideInput[] {
  const { auth: service, authUrl } = stack;
  const auth = (
    name: string,
    route: string,
    right: OutsideInput["answers"],
    request: (size: InputSize) => RequestInit,
    pathOf: (size: InputSize) => string = () => route.slice(route.indexOf("/")),
  ): OutsideInput => ({
    name: `auth, ${name}`,
    through: [route],
    service,
    answers: right,
    send: (size) => statusOf(fetch(`${authUrl}${pathOf(size)}`, request(size))),
  });
  const as = (credentials: string): RequestInit => ({ headers: { authorization: credentials } });
  const bearer = as(`Bearer ${token}`);
  const longToken = (size: InputSize): string => (size === "largest" ? "a.1.".repeat(2_000) : "a.1.b");
  const form = (size: InputSize, fields: Record<string, string>): RequestInit =>
    formRequest({ ...fields, ...(size === "largest" && { padding: "p".repeat(FORM_BYTES) }) });
  return [
    auth("a password", "POST /v1/auth/login", answers(401), (size) => {
      const [username, password] = size === "largest" ? ["ü".repeat(LONGEST_NAME / 2), "ü".repeat(2_048)] : ["x", "x"];
      return jsonRequest("POST", { tenant: "demo", username, password });
    }),
    auth("a refresh token", "POST /v1/auth/refresh", answers(401, 400), (size) =>
      jsonRequest("POST", { refresh_token: longToken(size) }),
    ),
    auth("cookies", "POST /v1/auth/refresh", answers(401), (size) => {
      const count = size === "largest" ? 3_000 : 1;
      const cookie = Array.from({ length: count }, (_, index) => `refresh_token=f${index}.1.m`).join("; ");
      return jsonRequest("POST", {}, { cookie });
    }),
    auth("a logout", "POST /v1/auth/logout", answers(401), (size) =>
      jsonRequest("POST", { refresh_token: longToken(size) }),
    ),
    auth("a renewal", "POST /v1/auth/renew", answers(401, 400), (size) =>
      jsonRequest("POST", { refresh_token: longToken(size) }),
    ),
    auth("a client's token", "POST /v1/auth/token", answers(401), (size) =>
      form(size, {
        grant_type: "client_credentials",
        client_id: "c".repeat(size === "largest" ? 64 : 1),
        client_secret: "x",
      }),
    ),
    auth("a token to revoke", "POST /v1/auth/revoke", answers(200), (size) => form(size, { token: "a.1.b" })),
    auth("a token to look into", "POST /v1/auth/introspect", answers(401), (size) => form(size, { token: "a.b.c" })),
    auth("a token", "GET /v1/auth/sessions", answers(200, 401), (size) =>
      size === "largest" ? as(`Bearer ${"a.".repeat(40_000)}`) : bearer,
    ),
    // Auth asks policy who may read it, and knows of none in this world.
    auth(
      "the audit trail",
      "GET /v1/auth/audit",
      answers(503),
      () => bearer,
      (size) => `/v1/auth/audit?after=${"A".repeat(size === "largest" ? 10_000 : 1)}`,
    ),
    auth(
      "a session's name",
      "DELETE /v1/auth/sessions/:sid",
      answers(404),
      () => ({ ...bearer, method: "DELETE" }),
      (size) => `/v1/auth/sessions/${"s".repeat(size === "largest" ? 10_000 : 1)}`,
    ),
    // Nobody keeps keys of another tenant.
    ...["GET ", "POST ", "DELETE /:id", "POST /:id/secrets", "DELETE /:id/secrets/:number"].map((call) => {
      const [method = "", path = ""] = call.split(" ");
      const route = `${method} /v1/auth/tenants/:tenant/clients${path}`;
      const nameOf = (size: InputSize): string => "k".repeat(size === "largest" ? 256 : 1);
      return auth(
        `a key of a producer (${call.trim()})`,
        route,
        answers(403),
        (size) =>
          call === "POST "
            ? jsonRequest(method, { name: nameOf(size) }, { authorization: `Bearer ${token}` })
            : { ...bearer, method },
        (size) =>
          route
            .slice(route.indexOf("/"))
            .replace(":tenant", nameOf(size))
            .replace(":id", nameOf(size))
            .replace(":number", "1"),
      );
    }),
    auth(
      "a query to the keys",
      "GET /.well-known/jwks.json",
      answers(200),
      () => ({}),
      (size) => `/.well-known/jwks.json?${queryOf(size)}`,
    ),
    auth(
      "a query to the metadata",
      "GET /.well-known/oauth-authorization-server",
      answers(200),
      () => ({}),
      (size) => `/.well-known/oauth-authorization-server?${queryOf(size)}`,
    ),
  ];
}

function queryOf(size: InputSize): string {
  return "q=1&".repeat(size === "largest" ? 2_000 : 1);
}
