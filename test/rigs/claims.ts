/** What a token of kim of tenant acme says, once it is verified. */
export const CLAIMS_OF_KIM = {
  iss: "i",
  sub: "kim",
  exp: 4_000_000_000,
  iat: 1,
  jti: "j",
  client_id: "web",
  sid: "s",
  tenant_id: "acme",
  login_at: "2026-01-01T00:00:00Z",
  roles: [],
  groups: [],
  scope: undefined,
  kid: "key-1",
};
