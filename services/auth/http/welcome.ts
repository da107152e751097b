import type { Welcome } from "#shared/http/welcome-page.ts";

/** What stands at `/` of auth's HTTP port. */
export const authWelcome: Welcome = {
  name: "Sluice: auth",
  about: "It logs people in, keeps their sessions, and issues and renews their tokens.",
  links: [
    { href: "/.well-known/oauth-authorization-server", text: "where its calls are (RFC 8414)" },
    { href: "/.well-known/jwks.json", text: "the keys that its tokens are checked by (RFC 7517)" },
    { href: "/v1/auth/sessions", text: "your own sessions, with a token" },
  ],
};
