import type { Welcome } from "#shared/http/welcome-page.ts";

/** What stands at `/` of policy's HTTP port. */
export const policyWelcome: Welcome = {
  name: "Sluice: policy",
  about: "It keeps the tenants and their policies, and decides who may see what.",
  links: [
    { href: "/console", text: "the console, for operators and tenant administrators" },
    { href: "/docs/", text: "the documentation" },
    { href: "/v1/tenants", text: "the tenants, with an operator's token" },
  ],
};
