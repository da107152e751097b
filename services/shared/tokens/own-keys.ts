import { z } from "zod";
import type { FetchJson } from "./http/fetch-json.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { type RemoteKeys, remoteKeys } from "./remote-keys.ts";
import { tellFaults } from "./trust-outside.ts";
import type { VerifierConfig } from "./verify-access-token.ts";

/** Where auth serves its keys, and its metadata (RFC 8414) beside them. */
const KEYS_PATH = "/.well-known/jwks.json";
const METADATA_PATH = "/.well-known/oauth-authorization-server";

const metadataSchema = z.object({ issuer: z.string() });

/** The keys of auth, and whether they are those of the issuer that is set. */
export interface OwnKeys {
  readonly keys: RemoteKeys;
  /** Says, for the operator, that the keys are of another issuer than AUTH_ISSUER; undefined where that is not known. */
  readonly issuerFault: () => string | undefined;
}

/** The keys of auth. Whose they are is looked at whenever they are fetched: no token of another issuer would hold. */
export function ownKeys(config: VerifierConfig, fetchJson: FetchJson, log: Logger): OwnKeys {
  const { AUTH_JWKS_URL: url, AUTH_ISSUER: issuer } = config;
  let fault: string | undefined;
  const fetchKeySet = async (): Promise<unknown> => {
    const keySet = await fetchJson({ url });
    fault = faultOf(issuer, await askIssuer(url, fetchJson));
    return keySet;
  };
  const keys = remoteKeys(url, { fetchKeySet, onFault: tellFaults(issuer, log) });
  return { keys, issuerFault: () => fault };
}

/** The issuer whose keys stand there; undefined where nothing says so. */
async function askIssuer(url: string, fetchJson: FetchJson): Promise<string | undefined> {
  if (!url.endsWith(KEYS_PATH)) return undefined;
  const answer = await fetchJson({ url: url.slice(0, -KEYS_PATH.length) + METADATA_PATH }).catch(() => undefined);
  return metadataSchema.safeParse(answer).data?.issuer;
}

function faultOf(expected: string, named: string | undefined): string | undefined {
  if (named === undefined || named === expected) return undefined;
  return `AUTH_JWKS_URL serves the keys of the issuer ${named}; AUTH_ISSUER says ${expected}: set both alike, to the slash`;
}
