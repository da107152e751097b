/** A request's target as a path and its parameters, also where it came as the whole URL that a proxy is sent (RFC 9112, section 3.2.2). */
export function originForm(target = ""): string {
  return target.startsWith("/") ? target : target.replace(/^http:\/\/[^/?#@]+/i, "");
}
