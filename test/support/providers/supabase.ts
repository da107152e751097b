import type { Provider } from "./provider.ts";

export const supabase: Provider = {
  name: "Supabase",
  token: "access token, asymmetric signing keys",
  needs: "signing keys that are not the shared secret; roles in `app_metadata`, which users cannot change",
  entry: `- issuer: https://abcdefghijklm.supabase.co/auth/v1
  jwks_uri: https://abcdefghijklm.supabase.co/auth/v1/.well-known/jwks.json
  audience: authenticated
  tenant: acme
  claims:
    roles: [app_metadata, roles]
`,
  alg: "ES256",
  header: { typ: "JWT", kid: "4a3cd3f6-3b93-4a39-8b25-d0e2f0e06c1b" },
  jwksUri: "https://abcdefghijklm.supabase.co/auth/v1/.well-known/jwks.json",
  claims: {
    aal: "aal1",
    amr: [{ method: "password", timestamp: 1_700_000_000 }],
    app_metadata: { provider: "email", providers: ["email"], roles: ["triager"] },
    aud: "authenticated",
    email: "dana@example.com",
    is_anonymous: false,
    iss: "https://abcdefghijklm.supabase.co/auth/v1",
    phone: "",
    role: "authenticated",
    session_id: "5e0a3b0e-1f6d-4b8b-9a3b-0d6c0c0f3f21",
    sub: "123e4567-e89b-12d3-a456-426614174000",
    user_metadata: { roles: ["root"] },
  },
  expected: { tenant_id: "acme", sub: "123e4567-e89b-12d3-a456-426614174000", roles: ["triager"], groups: [] },
};
