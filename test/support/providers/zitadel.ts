import type { Provider } from "./provider.ts";

export const zitadel: Provider = {
  name: "ZITADEL",
  token: "access token of type JWT",
  needs: "roles are the keys of a mapping; the organization is the tenant",
  entry: `- issuer: https://acme.zitadel.cloud
  audience: "69234237810729019"
  tenant_claim: urn:zitadel:iam:user:resourceowner:id
  tenants: { "201982826478953724": acme }
  claims:
    roles: urn:zitadel:iam:org:project:roles
`,
  alg: "RS256",
  header: { typ: "JWT", kid: "244923461957892364" },
  jwksUri: "https://acme.zitadel.cloud/oauth/v2/keys",
  claims: {
    aud: ["69234237810729019", "69234237810729234"],
    client_id: "69234237810729234",
    iss: "https://acme.zitadel.cloud",
    jti: "V2_229876302418444334-at_229876302418509870",
    nbf: 1_700_000_000,
    sub: "174234287810729019",
    "urn:zitadel:iam:user:resourceowner:id": "201982826478953724",
    "urn:zitadel:iam:user:resourceowner:name": "Acme",
    "urn:zitadel:iam:org:project:roles": {
      triager: { "201982826478953724": "acme.zitadel.cloud" },
      "order clerk": { "201982826478953724": "acme.zitadel.cloud" },
    },
  },
  expected: { tenant_id: "acme", sub: "174234287810729019", roles: ["triager", "order clerk"], groups: [] },
};
