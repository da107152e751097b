import type { Context } from "hono";
import { isHttps } from "#shared/http/cookie-settings.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";

/**
 * Tells the operator once where a page that came over TLS logs in and the issuer says http: by the issuer its cookies are not
 * Secure, and nothing else would show it.
 */
export function createPlainIssuerAlarm(issuer: string, log: Pick<LimitedLog, "write">): (c: Context) => void {
  let isLogged = isHttps(issuer);
  return (c) => {
    const origin = c.req.header("origin");
    if (isLogged || origin?.startsWith("https:") !== true) return;
    isLogged = true;
    const advice = "set AUTH_ISSUER, in all services, to the https URL that browsers use";
    log.write(
      "error",
      "plain_issuer",
      { origin, issuer },
      `a page on https was given cookies without Secure: ${advice}`,
    );
  };
}
