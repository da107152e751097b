import type { Provider } from "./provider.ts";

const claims = {
  aud: ["https://sluice.example.com"],
  client_id: "web",
  ext: { organization: "acme", roles: ["triager"] },
  iss: "https://hydra.example.com",
  nbf: 1_700_000_000,
  sub: "dana@example.com",
};

const person = { tenant_id: "acme", sub: "dana@example.com", roles: ["triager"], groups: [] };

export const hydraJwt: Provider = {
  name: "Ory Hydra",
  token: "access token, strategy jwt",
  needs: "what the consent app adds stands in `ext`",
  entry: `- issuer: https://hydra.example.com
  audience: https://sluice.example.com
  tenant_claim: [ext, organization]
  tenants: [acme, globex]
  claims:
    roles: [ext, roles]
`,
  alg: "RS256",
  header: { typ: "JWT", kid: "b6f4d0c0-6a55-4d3f-8cfa-1c8d1c4b9f0e" },
  jwksUri: "https://hydra.example.com/.well-known/jwks.json",
  claims: { ...claims, jti: "a0e1f2c3-9c7c-4e0b-8f3b-7b2a1d4c5e6f", scp: ["openid", "offline"] },
  expected: person,
};

export const hydraOpaque: Provider = {
  name: "Ory Hydra",
  token: "access token, strategy opaque",
  needs: "asked by introspection, at its admin address, behind a proxy that wants a password",
  entry: `- issuer: https://hydra.example.com
  audience: https://sluice.example.com
  tenant_claim: [ext, organization]
  tenants: [acme, globex]
  claims:
    roles: [ext, roles]
  introspection:
    endpoint: https://hydra-admin.example.com/admin/oauth2/introspect
    client_id: sluice
    client_secret_env: AUTH_ISSUER_SECRET_HYDRA
    token_prefix: ory_at_
`,
  alg: "RS256",
  header: {},
  jwksUri: "https://hydra.example.com/.well-known/jwks.json",
  opaque: {
    token: "ory_at_Hn0DZqkFBGTzDUEPHBBGSKAYQRk4hMDfXpLv2-lsE3w.",
    endpoint: "https://hydra-admin.example.com/admin/oauth2/introspect",
  },
  claims: { ...claims, scope: "openid offline", token_type: "Bearer", token_use: "access_token" },
  expected: person,
};
