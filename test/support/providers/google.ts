import type { Provider } from "./provider.ts";

const CLIENT = "1234987819200.apps.googleusercontent.com";

export const google: Provider = {
  name: "Google",
  token: "ID token",
  needs: "one issuer for everybody: `hd` says whose Workspace; accounts without one are refused",
  entry: `- issuer: https://accounts.google.com
  audience: ${CLIENT}
  tenant_claim: hd
  tenants: { acme.com: acme, globex.example: globex }
`,
  alg: "RS256",
  header: { typ: "JWT", kid: "c1892eb49d7ef9adf8b2e14c05ca0d032714a237" },
  jwksUri: "https://www.googleapis.com/oauth2/v3/certs",
  claims: {
    iss: "https://accounts.google.com",
    azp: CLIENT,
    aud: CLIENT,
    sub: "10769150350006150715113082367",
    at_hash: "HK6E_P6Dh8Y93mRNtsDB1Q",
    hd: "acme.com",
    email: "dana@acme.com",
    email_verified: true,
    nonce: "0394852-3190485-2490358",
  },
  expected: { tenant_id: "acme", sub: "10769150350006150715113082367", roles: [], groups: [] },
};
