import type { Provider } from "./provider.ts";

export const firebase: Provider = {
  name: "Firebase",
  token: "ID token",
  needs: "custom claims are a mapping of flags; the audience is the project",
  entry: `- issuer: https://securetoken.google.com/acme-prod
  jwks_uri: https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com
  audience: acme-prod
  tenant: acme
  claims:
    roles: access
`,
  alg: "RS256",
  header: { kid: "a4131d8f2d2f4b7c8d1d9dc2c8e4b8b2f5b5d2a0", typ: "JWT" },
  jwksUri: "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com",
  claims: {
    access: { triager: true, admin: false },
    iss: "https://securetoken.google.com/acme-prod",
    aud: "acme-prod",
    auth_time: 1_700_000_000,
    user_id: "X7bV2kQ9mNc4sT1yRz8wLpA6dFg3",
    sub: "X7bV2kQ9mNc4sT1yRz8wLpA6dFg3",
    email: "dana@example.com",
    email_verified: true,
    firebase: { identities: { email: ["dana@example.com"] }, sign_in_provider: "password" },
  },
  expected: { tenant_id: "acme", sub: "X7bV2kQ9mNc4sT1yRz8wLpA6dFg3", roles: ["triager"], groups: [] },
};
