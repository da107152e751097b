/**
 * The `Set-Cookie` value that gives a token to the browser (RFC 6265), the same from whichever service: `hostname` is the
 * one the browser asked. A cookie that went with its token would turn the reconnect of a stream into an anonymous request,
 * which an EventSource does not survive: `maxAgeSeconds` is what is left of the session.
 */
export function tokenCookie(
  name: string,
  token: string,
  { hostname, maxAgeSeconds }: { readonly hostname: string; readonly maxAgeSeconds: number },
): string {
  const secure = isPlainLocalhost(hostname) ? "" : " Secure;";
  return `${name}=${token}; Max-Age=${maxAgeSeconds}; Path=/; HttpOnly;${secure} SameSite=Lax`;
}

/** Browsers keep Secure cookies of http://localhost, but curl and older ones do not. */
function isPlainLocalhost(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "127.0.0.1";
}
