import type { Welcome } from "#shared/http/welcome-page.ts";

/** What stands at `/` of publish's HTTP port. */
export const publishWelcome: Welcome = {
  name: "Sluice: publish",
  about: "It takes events over HTTP: POST them to /v1/events.",
  links: [],
};
