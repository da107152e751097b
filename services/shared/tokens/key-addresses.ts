import { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";
import type { FetchJson } from "./http/fetch-json.ts";

/** Each is asked in turn. */
const MAX_ADDRESSES = 16;

const urlSchema = z.url({ protocol: /^https?$/ });

/** Where auth publishes its keys: an http or https URL, or several of them with commas between, of which those that serve answer. */
export const keyAddressesSchema = z.string().refine(
  (text) => {
    const urls = text.split(",");
    return urls.length <= MAX_ADDRESSES && urls.every((url) => urlSchema.safeParse(url).success);
  },
  { error: `must be an http or https URL, or up to ${MAX_ADDRESSES} with commas` },
);

/**
 * Fetches the keys from the first address that answers, and tells which one that was.
 * @throws {AppError} `unavailable` as `fetchJson` does, for the first address, where none answers.
 */
export async function fetchKeys(
  addresses: string,
  fetchJson: FetchJson,
): Promise<{ readonly url: string; readonly keySet: unknown }> {
  let failure: unknown = new AppError("unavailable", "no address of the keys is known");
  for (const [place, url] of addresses.split(",").entries()) {
    try {
      return { url, keySet: await fetchJson({ url }) };
    } catch (error) {
      if (place === 0) failure = error;
    }
  }
  throw failure;
}
