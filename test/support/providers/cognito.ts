import type { Provider } from "./provider.ts";

const issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1Cd2Ef3";
const jwksUri = `${issuer}/.well-known/jwks.json`;
const sub = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";

export const cognitoAccess: Provider = {
  name: "Amazon Cognito",
  token: "access token",
  needs: "no `typ`, no `aud`: the audience is the app client in `client_id`",
  entry: `- issuer: ${issuer}
  audience: [1example23456789, 9example87654321]
  audience_claim: client_id
  tenant: acme
  claims:
    groups: cognito:groups
`,
  alg: "RS256",
  header: { kid: "1234example=" },
  jwksUri,
  claims: {
    sub,
    device_key: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    "cognito:groups": ["operators"],
    iss: issuer,
    version: 2,
    client_id: "9example87654321",
    origin_jti: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    event_id: "bbbbbbbb-cccc-dddd-eeee-ffffffffffff",
    token_use: "access",
    scope: "openid phone orders/read",
    auth_time: 1_700_000_000,
    jti: "cccccccc-dddd-eeee-ffff-000000000000",
    username: "dana@example.com",
  },
  expected: { tenant_id: "acme", sub, roles: [], groups: ["operators"] },
};

export const cognitoId: Provider = {
  name: "Amazon Cognito",
  token: "ID token",
  needs: "no `typ`; custom attributes of the user stand in it",
  entry: `- issuer: ${issuer}
  audience: 1example23456789
  tenant: acme
  claims:
    groups: cognito:groups
    attributes: { region: custom:region }
`,
  alg: "RS256",
  header: { kid: "5678example=" },
  jwksUri,
  claims: {
    sub,
    "cognito:groups": ["operators"],
    email_verified: true,
    iss: issuer,
    "cognito:username": "dana@example.com",
    "custom:region": "eu",
    nonce: "abcdefg",
    origin_jti: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    aud: "1example23456789",
    identities: [{ userId: "amzn1.account.EXAMPLE", providerName: "LoginWithAmazon", primary: "true" }],
    event_id: "64f513be-32db-42b0-b78e-b02127b4f463",
    token_use: "id",
    auth_time: 1_700_000_000,
    jti: "dddddddd-eeee-ffff-0000-111111111111",
    email: "dana@example.com",
  },
  expected: { tenant_id: "acme", sub, roles: [], groups: ["operators"], attributes: { region: ["eu"] } },
};
