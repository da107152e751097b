import { z } from "zod";
import { maskValue } from "#shared/config/mask-value.ts";
import type { FetchJson } from "./http/fetch-json.ts";
import type { ReadinessChecks } from "#shared/lifecycle/readiness.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { fetchKeys } from "./key-addresses.ts";
import { type RemoteKeys, remoteKeys } from "./remote-keys.ts";
import { logFaults } from "./trust-outside.ts";
import type { VerifierConfig } from "./verify-access-token.ts";

/** Where auth serves its keys, and its metadata (RFC 8414) beside them. */
const KEYS_PATH = "/.well-known/jwks.json";
const METADATA_PATH = "/.well-known/oauth-authorization-server";

const metadataSchema = z.object({ issuer: z.string() });

/** The keys of auth, and whether they are those of the issuer that is set. */
export interface OwnKeys {
  readonly keys: RemoteKeys;
  /** Whether tokens can be checked by them, and whether they are those of AUTH_ISSUER. */
  readonly checks: Required<Pick<ReadinessChecks, "keys_unusable" | "issuer_differs">>;
}

/** The keys of auth. Whose they are is looked at whenever they are fetched: no token of another issuer would hold. */
export function ownKeys(config: VerifierConfig, fetchJson: FetchJson, log: Logger): OwnKeys {
  const { AUTH_JWKS_URL: url, AUTH_ISSUER: issuer } = config;
  let fault: string | undefined;
  let answering = "";
  const look = async (): Promise<string | undefined> =>
    (fault = faultOf(issuer, await askIssuer(answering, fetchJson)));
  const fetchKeySet = async (): Promise<unknown> => {
    const fetched = await fetchKeys(url, fetchJson);
    answering = fetched.url;
    await look();
    return fetched.keySet;
  };
  const keys = remoteKeys(url, { fetchKeySet, onFault: logFaults(issuer, log) });
  const keysFault = async (): Promise<string | undefined> => {
    await keys.ensure();
    const reason = keys.fault();
    return reason === undefined ? undefined : `AUTH_JWKS_URL ${maskValue(url, { secret: false })}: ${reason}`;
  };
  // A fault is looked at again until it is mended; the keys themselves are good for minutes.
  return {
    keys,
    checks: { keys_unusable: keysFault, issuer_differs: () => (fault === undefined ? undefined : look()) },
  };
}

/** The issuer whose keys stand there; undefined where nothing says so. */
async function askIssuer(url: string, fetchJson: FetchJson): Promise<string | undefined> {
  if (!url.endsWith(KEYS_PATH)) return undefined;
  const answer = await fetchJson({ url: url.slice(0, -KEYS_PATH.length) + METADATA_PATH }).catch(() => undefined);
  return metadataSchema.safeParse(answer).data?.issuer;
}

function faultOf(expected: string, named: string | undefined): string | undefined {
  if (named === undefined || named === expected) return undefined;
  const [here, there] = [expected, named].map((text) => JSON.stringify(text.slice(0, 200)));
  return `AUTH_ISSUER is ${here} here, and auth calls itself ${there}: ${differenceOf(expected, named)}. Set both alike: every token is refused otherwise`;
}

/** How two issuers differ, in words. */
function differenceOf(here: string, there: string): string {
  if (withoutSlash(here) === withoutSlash(there))
    return `${here.endsWith("/") ? "here" : "there"} it ends with a slash, and issuers are compared character by character`;
  if (here.toLowerCase() === there.toLowerCase()) return "upper and lower case differ";
  const [one, other] = [here, there].map((text) => (URL.canParse(text) ? new URL(text) : undefined));
  if (one === undefined || other === undefined) return "one of them is no URL";
  const parts = (["protocol", "hostname", "port", "pathname"] as const).filter((part) => one[part] !== other[part]);
  return `they differ in ${parts.join(", ") || "how they are written"}`;
}

function withoutSlash(text: string): string {
  return text.replace(/\/+$/, "");
}
