import type { Provider } from "./provider.ts";

export const clerk: Provider = {
  name: "Clerk",
  token: "session token, version 2",
  needs:
    "no `aud`: the audience is the page in `azp`; organization and role stand in `o`; it lives a minute, so rebind the stream",
  entry: `- issuer: https://clerk.example.com
  audience: https://app.example.com
  audience_claim: azp
  tenant_claim: [o, id]
  tenants: { org_2b6fcd92dvf96q05x8e4: acme }
  claims:
    roles: { from: [o, rol], prefix: "org:" }
`,
  alg: "RS256",
  header: { cat: "cl_B7d4PD111AAA", kid: "ins_2GIoQhbUpy0hX7B2cVkuTMinXoD", typ: "JWT" },
  jwksUri: "https://clerk.example.com/.well-known/jwks.json",
  claims: {
    azp: "https://app.example.com",
    fva: [7, -1],
    iss: "https://clerk.example.com",
    nbf: 1_700_000_000,
    o: { id: "org_2b6fcd92dvf96q05x8e4", slg: "acme-inc", rol: "admin", per: "read,manage", fpm: "3,2" },
    pla: "u:free,o:pro",
    sid: "sess_2GaMqUCB3Sc1WNAkWuNzsnYVVEy",
    sts: "active",
    sub: "user_2jNSVj9ZZLzKVqfLMDWYM9pGNQ7",
    v: 2,
  },
  expected: { tenant_id: "acme", sub: "user_2jNSVj9ZZLzKVqfLMDWYM9pGNQ7", roles: ["org:admin"], groups: [] },
};
