import { z } from "zod";

/** The operations port of a process that policy asks how it is. */
export interface OpsTarget {
  readonly name: string;
  readonly url: string;
}

/** More processes are a matter for monitoring. */
const MAX_TARGETS = 64;

const ENTRY = /^(?<name>[a-z0-9][a-z0-9-]{0,62})=(?<url>https?:\/\/[^/?#@\s]+)\/?$/;

/** Operations ports by the names that people see: `auth=http://auth:8091,edge-1=http://10.0.0.7:8090`. */
export const opsUrlsSchema = z
  .string()
  .default("")
  .transform((text, context): readonly OpsTarget[] => {
    const targets = new Map<string, OpsTarget>();
    const refuse = (message: string): void => context.addIssue({ code: "custom", message });
    for (const entry of text.split(",").map((each) => each.trim())) {
      if (entry === "") continue;
      const { name = "", url = "" } = ENTRY.exec(entry)?.groups ?? {};
      if (!URL.canParse(url)) refuse("must be <name>=http://host:port, separated by commas");
      else if (targets.has(name)) refuse(`names ${name} twice`);
      else targets.set(name, { name, url });
    }
    if (targets.size > MAX_TARGETS) refuse(`names more than ${MAX_TARGETS} processes`);
    return [...targets.values()];
  });
