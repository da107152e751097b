import { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";
import type { FetchJson } from "./http/fetch-json.ts";
import { isSafeUrl } from "./outside-issuers.ts";

const metadataSchema = z.object({
  issuer: z.string(),
  jwks_uri: z.string().optional(),
  introspection_endpoint: z.string().optional(),
});

/** What an issuer's metadata say, as far as we use it. */
export type IssuerMetadata = z.infer<typeof metadataSchema>;

/**
 * Fetches an issuer's metadata from under its own address: OpenID Connect Discovery 1.0, section 4, then the two forms of
 * RFC 8414, sections 3.1 and 5, where the one before is not there.
 * @throws {AppError} `unavailable` with the reason, also when they are another issuer's.
 */
export async function discoverIssuer(
  issuer: string,
  fetchJson: FetchJson,
  ca: string | undefined,
): Promise<IssuerMetadata> {
  const [first = issuer, ...others] = metadataUrls(issuer);
  let answer = fetchJson({ url: first, ca });
  for (const url of others) {
    answer = answer.catch((error: unknown) => {
      if (error instanceof AppError && error.facts["status"] === "404") return fetchJson({ url, ca });
      throw error;
    });
  }
  const parsed = metadataSchema.safeParse(await answer);
  const facts = { url: first };
  if (!parsed.success) throw new AppError("unavailable", "the issuer's metadata name no issuer", { facts });
  const { issuer: named, jwks_uri, introspection_endpoint } = parsed.data;
  // Also by a slash: the issuer in the token is compared byte by byte (Discovery, section 4.3).
  if (named !== issuer) {
    const message = "the metadata under the issuer's address are another issuer's: it must be identical, to the slash";
    throw new AppError("unavailable", message, { facts: { ...facts, named: named.slice(0, 256) } });
  }
  // http is for this machine; an issuer that is elsewhere has no say in what is asked here.
  const isLocal = issuer.startsWith("http:");
  const unsafe = [jwks_uri, introspection_endpoint].find(
    (each) => each !== undefined && !(isSafeUrl(each) && (isLocal || new URL(each).protocol === "https:")),
  );
  if (unsafe === undefined) return parsed.data;
  throw new AppError("unavailable", "the issuer's metadata name an address that is not https", { facts });
}

function metadataUrls(issuer: string): string[] {
  const base = issuer.endsWith("/") ? issuer.slice(0, -1) : issuer;
  const { origin, pathname } = new URL(issuer);
  const path = pathname === "/" ? "" : pathname.replace(/\/$/, "");
  return [
    ...new Set([
      `${base}/.well-known/openid-configuration`,
      `${origin}/.well-known/oauth-authorization-server${path}`,
      `${origin}/.well-known/openid-configuration${path}`,
      `${base}/.well-known/oauth-authorization-server`,
    ]),
  ];
}
