import { isIP } from "node:net";
import { z } from "zod";

/** Names by which an operations port may be asked, comma-separated in the environment. */
export const opsHostsSchema = z
  .string()
  .default("")
  .transform((text, context) => {
    const names = text.split(",").map((name) => name.trim().toLowerCase().replace(/\.$/, ""));
    const hosts = names.filter((name) => name !== "");
    for (const name of hosts) {
      if (/^[a-z0-9._-]+$/.test(name)) continue;
      context.addIssue({
        code: "custom",
        message: `must be host names without ports, separated by commas; ${name} is none`,
      });
    }
    return hosts;
  });

/**
 * Whether a `Host` header names an operations port. A page of another site may have its own name lead to this machine (DNS
 * rebinding), so names must be listed; an address is nobody's name, and probes and scrapers use it.
 */
export function isOpsHost(host: string, names: readonly string[]): boolean {
  const [, ip, name = ""] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::\d+)?$/.exec(host.toLowerCase()) ?? [];
  const bare = name.replace(/\.$/, "");
  return isIP(ip ?? bare) !== 0 || bare === "localhost" || names.includes(bare);
}
