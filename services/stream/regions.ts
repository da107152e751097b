import { z } from "zod";
import { NAME } from "#shared/protocol/names.ts";

/** A region, and where clients reach its edges. */
export interface Region {
  readonly name: string;
  readonly url: string;
}

const MAX_REGIONS = 16;

/** Regions as `name=URL` with commas; none by default. */
export const regionsSchema = z
  .string()
  .default("")
  .transform((text, context): readonly Region[] => {
    const regions = text.split(",").flatMap((part) => (part.trim() === "" ? [] : [regionIn(part.trim())]));
    const known = regions.filter((region) => region !== undefined);
    const areWhole = known.length === regions.length && new Set(known.map(({ name }) => name)).size === known.length;
    if (areWhole && known.length <= MAX_REGIONS) return known;
    const message = `must be name=URL with commas, each name once, ${MAX_REGIONS} at most, as in eu=https://eu.example.com`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });

function regionIn(part: string): Region | undefined {
  const [, name = "", text = ""] = /^([^=]+)=(.+)$/.exec(part) ?? [];
  if (!NAME.test(name) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isOrigin = ["http:", "https:"].includes(url.protocol) && url.pathname === "/" && url.search + url.hash === "";
  return isOrigin && url.username + url.password === "" ? { name, url: url.origin } : undefined;
}
