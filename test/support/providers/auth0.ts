import type { Provider } from "./provider.ts";

export const auth0: Provider = {
  name: "Auth0",
  token: "access token of an API",
  needs: "the issuer ends with a slash; one issuer has many customers (Organizations); roles come by an Action",
  entry: `- issuer: https://acme.eu.auth0.com/
  audience: https://sluice.example.com
  tenant_claim: org_id
  tenants: { org_kR4bQ1vYhW8mJ2xT: acme, org_Zs7nP3cLdF6gV9eU: globex }
  claims:
    roles: https://sluice.example.com/roles
`,
  alg: "RS256",
  header: { typ: "JWT", kid: "MzE2RDVGQzE1NkYzN0Q5" },
  jwksUri: "https://acme.eu.auth0.com/.well-known/jwks.json",
  claims: {
    "https://sluice.example.com/roles": ["triager"],
    iss: "https://acme.eu.auth0.com/",
    sub: "auth0|64a1f0c2b7d8e9f001234567",
    aud: ["https://sluice.example.com", "https://acme.eu.auth0.com/userinfo"],
    azp: "Y2xpZW50LWlkLW9mLXRoZS1wYWdl",
    scope: "openid profile read:orders",
    org_id: "org_Zs7nP3cLdF6gV9eU",
    permissions: ["read:orders"],
  },
  expected: { tenant_id: "globex", sub: "auth0|64a1f0c2b7d8e9f001234567", roles: ["triager"], groups: [] },
};
