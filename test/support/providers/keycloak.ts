import type { Provider } from "./provider.ts";

export const keycloak: Provider = {
  name: "Keycloak",
  token: "access token",
  needs: "an audience mapper on the client; roles stand in two places; groups begin with a slash",
  entry: `- issuer: https://id.example.com/realms/acme
  audience: sluice
  tenant: acme
  claims:
    roles: [[realm_access, roles], [resource_access, sluice, roles]]
    groups: { from: groups, strip_prefix: / }
    attributes: { region: region }
`,
  alg: "RS256",
  header: { typ: "JWT", kid: "FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE" },
  jwksUri: "https://id.example.com/realms/acme/protocol/openid-connect/certs",
  claims: {
    iss: "https://id.example.com/realms/acme",
    aud: ["sluice", "account"],
    sub: "f1c3a5a2-4d7e-4f0e-9c8f-3b0b7c1d2e3f",
    typ: "Bearer",
    azp: "web",
    sid: "9b1c6d3e-21a7-4c80-a6f2-3f6c2f1f8a11",
    acr: "1",
    "allowed-origins": ["https://app.example.com"],
    realm_access: { roles: ["offline_access", "default-roles-acme", "uma_authorization", "triager"] },
    resource_access: { sluice: { roles: ["order clerk"] }, account: { roles: ["manage-account"] } },
    scope: "openid email profile",
    email_verified: true,
    preferred_username: "dana",
    groups: ["/ops", "/ops/eu"],
    region: "eu",
    jti: "onrtac:5d2a1f5e-7f0d-4a0c-9e61-0c8b1b9e4b56",
  },
  expected: {
    tenant_id: "acme",
    sub: "f1c3a5a2-4d7e-4f0e-9c8f-3b0b7c1d2e3f",
    roles: ["offline_access", "default-roles-acme", "uma_authorization", "triager", "order clerk"],
    groups: ["ops", "ops/eu"],
    attributes: { region: ["eu"] },
  },
};
