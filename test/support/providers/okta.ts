import type { Provider } from "./provider.ts";

export const okta: Provider = {
  name: "Okta",
  token: "access token of a custom authorization server",
  needs: "no `typ` header; `sub` is the login name; groups by a claim of the authorization server",
  entry: `- issuer: https://acme.okta.com/oauth2/default
  audience: api://default
  tenant: acme
  claims:
    roles: scp
    groups: { from: groups, prefix: "okta:" }
`,
  alg: "RS256",
  header: { kid: "zpTRsYqPPkC8hTNTxNJ3MbW7zh0sHVG1kF5f8DT4A9c" },
  jwksUri: "https://acme.okta.com/oauth2/default/v1/keys",
  claims: {
    ver: 1,
    jti: "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
    iss: "https://acme.okta.com/oauth2/default",
    aud: "api://default",
    cid: "0oabv6kx4qq6h1U5l0h7",
    uid: "00ujmkLgagxeRrAg20g3",
    scp: ["openid", "orders.read"],
    auth_time: 1_700_000_000,
    sub: "dana@example.com",
    groups: ["Everyone", "Order Clerks"],
  },
  expected: {
    tenant_id: "acme",
    sub: "dana@example.com",
    roles: ["openid", "orders.read"],
    groups: ["okta:Everyone", "okta:Order Clerks"],
  },
};
