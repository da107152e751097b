import type { Provider } from "./provider.ts";

const DIRECTORY = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
const API = "00001111-aaaa-2222-bbbb-3333cccc4444";
const PERSON = "aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb";

/** As many as Entra ID puts into a token. */
const GROUPS = Array.from({ length: 199 }, (_, index) => `bbbbbbbb-1111-2222-3333-${String(index).padStart(12, "0")}`);

const v2Claims = {
  aud: API,
  iss: `https://login.microsoftonline.com/${DIRECTORY}/v2.0`,
  aio: "AYQAe/8ZAAAAhtKYw0z2",
  azp: "11112222-bbbb-3333-cccc-4444dddd5555",
  azpacr: "0",
  name: "Dana",
  oid: PERSON,
  preferred_username: "dana@example.com",
  rh: "1.AXoA",
  roles: ["Orders.Read"],
  scp: "Events.Subscribe",
  sub: "l3_roISQU222bULS9yi2k0XpqpOiMz5H3ZACo1GeXA",
  tid: DIRECTORY,
  uti: "fqiBqXLPj0eQa82S-IYFAA",
  ver: "2.0",
};

const keys = `https://login.microsoftonline.com/${DIRECTORY}/discovery/v2.0/keys`;

export const entraV2: Provider = {
  name: "Entra ID",
  token: "v2.0 access token, up to 199 groups",
  needs:
    "`oid` is the person in all applications, `sub` is another one in each; send it in a header, a cookie is too small",
  entry: `- issuer: https://login.microsoftonline.com/${DIRECTORY}/v2.0
  audience: ${API}
  tenant: acme
  claims:
    subject: oid
    roles: roles
    groups: groups
`,
  alg: "RS256",
  header: { typ: "JWT", kid: "X5eXk4xyojNFum1kl2Ytv8dlNP4" },
  jwksUri: keys,
  claims: { ...v2Claims, groups: GROUPS },
  expected: { tenant_id: "acme", sub: PERSON, roles: ["Orders.Read"], groups: GROUPS },
};

export const entraV1: Provider = {
  name: "Entra ID",
  token: "v1.0 access token",
  needs: "another issuer, with a slash at its end; the audience is the application's URI",
  entry: `- issuer: https://sts.windows.net/${DIRECTORY}/
  audience: [api://${API}, ${API}]
  tenant: acme
  claims: { subject: oid, roles: roles, groups: groups }
`,
  alg: "RS256",
  header: { typ: "JWT", x5t: "X5eXk4xyojNFum1kl2Ytv8dlNP4", kid: "X5eXk4xyojNFum1kl2Ytv8dlNP4" },
  jwksUri: `https://login.microsoftonline.com/${DIRECTORY}/discovery/keys`,
  claims: {
    aud: `api://${API}`,
    iss: `https://sts.windows.net/${DIRECTORY}/`,
    acr: "1",
    amr: ["pwd", "mfa"],
    appid: "11112222-bbbb-3333-cccc-4444dddd5555",
    appidacr: "0",
    groups: GROUPS.slice(0, 2),
    ipaddr: "203.0.113.7",
    name: "Dana",
    oid: PERSON,
    roles: ["Orders.Read"],
    scp: "Events.Subscribe",
    sub: "l3_roISQU222bULS9yi2k0XpqpOiMz5H3ZACo1GeXA",
    tid: DIRECTORY,
    unique_name: "dana@example.com",
    upn: "dana@example.com",
    ver: "1.0",
  },
  expected: { tenant_id: "acme", sub: PERSON, roles: ["Orders.Read"], groups: GROUPS.slice(0, 2) },
};

export const entraOverage: Provider = {
  ...entraV2,
  token: "v2.0 access token, 200 groups or more",
  needs:
    "the token leaves the groups out (overage): the log says so once. Assign groups to the application, or use roles",
  claims: {
    ...v2Claims,
    _claim_names: { groups: "src1" },
    _claim_sources: {
      src1: { endpoint: `https://graph.microsoft.com/v1.0/users/${PERSON}/getMemberObjects` },
    },
  },
  expected: { tenant_id: "acme", sub: PERSON, roles: ["Orders.Read"], groups: [] },
};
