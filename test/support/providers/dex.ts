import type { Provider } from "./provider.ts";

const SUB = "CgcyMzQyNzQ5EgZnaXRodWI";

export const dex: Provider = {
  name: "Dex",
  token: "ID token",
  needs: "no `typ`; `sub` is a long text that holds the connector; groups by the connector",
  entry: `- issuer: https://dex.example.com
  audience: sluice
  tenant: acme
  claims:
    groups: groups
`,
  alg: "RS256",
  header: { kid: "9d44741f773b938cf65dd3266885b86180c324d99" },
  jwksUri: "https://dex.example.com/keys",
  claims: {
    iss: "https://dex.example.com",
    sub: SUB,
    aud: "sluice",
    at_hash: "bi96gOXZShvlWYtal9Eqiw",
    email: "jane.doe@example.com",
    email_verified: true,
    groups: ["admins", "developers"],
    name: "Jane Doe",
    federated_claims: { connector_id: "github", user_id: "2342749" },
  },
  expected: { tenant_id: "acme", sub: SUB, roles: [], groups: ["admins", "developers"] },
};
