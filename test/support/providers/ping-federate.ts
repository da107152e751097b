import type { Provider } from "./provider.ts";

export const pingFederate: Provider = {
  name: "PingFederate",
  token: "access token, JSON token management",
  needs: "the audience is set in the access token manager; a single group is a text; scopes are one text",
  entry: `- issuer: https://sso.example.com
  jwks_uri: https://sso.example.com/ext/sluice/jwks
  audience: sluice
  tenant: acme
  claims:
    subject: uid
    roles: { from: scope, rename: { "orders:all": clerk } }
    groups: memberOf
`,
  alg: "RS256",
  header: { kid: "k1", "pi.atm": "sluice" },
  jwksUri: "https://sso.example.com/ext/sluice/jwks",
  claims: {
    scope: "openid orders:all",
    authorization_details: [],
    client_id: "web",
    iss: "https://sso.example.com",
    aud: "sluice",
    jti: "Jr3xkCwF",
    uid: "dana",
    memberOf: "CN=Order Clerks,OU=Groups,DC=example,DC=com",
  },
  expected: {
    tenant_id: "acme",
    sub: "dana",
    roles: ["openid", "clerk"],
    groups: ["CN=Order Clerks,OU=Groups,DC=example,DC=com"],
  },
};
