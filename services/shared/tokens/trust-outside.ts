import { hash } from "node:crypto";
import { AppError } from "#shared/errors/app-error.ts";
import type { FetchJson } from "./http/fetch-json.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { discoverIssuer, type IssuerMetadata } from "./discover-issuer.ts";
import { createIntrospection, type Introspect, INTROSPECTION_MAX_AGE_MS } from "./introspect-token.ts";
import type { OutsideIssuer } from "./outside-issuers.ts";
import type { ParsedToken } from "./parse-token.ts";
import { hasOverage, readOutsideClaims } from "./read-outside-claims.ts";
import type { Basis, Verdict } from "./remember-verified.ts";
import { type KeySetOptions, type RemoteKeys, remoteKeys } from "./remote-keys.ts";
import type { VerifiedClaims } from "./verified-claims.ts";
import { type TrustedIssuer, verifyAnswer, verifyToken, type VerifyOptions } from "./verify-token.ts";

/** Metadata are believed for so long: where keys are moves rarely, and a failure asks again at once. */
const METADATA_MAX_AGE_MS = 3_600_000;

/** What an outside issuer's tokens are checked with. */
export interface TrustDeps {
  readonly fetchJson: FetchJson;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
}

/** An outside issuer, as long as its entry stands in the file unchanged. */
export interface TrustedOutside {
  readonly issuer: OutsideIssuer;
  readonly keys: RemoteKeys;
  /** Checks a signed token of this issuer. */
  verify(token: ParsedToken, options: VerifyOptions): Promise<Verdict<VerifiedClaims>>;
  /** Asks the issuer about an opaque token; undefined where it does not know it, or is not asked about any. */
  introspect(token: string, options: VerifyOptions): Promise<Verdict<VerifiedClaims> | undefined>;
  /** The entry is gone or another: nothing that rests on it holds any longer. */
  distrust(): void;
}

/** Trusts an outside issuer by its entry. Nothing is fetched before its first token comes. */
export function trustOutside(issuer: OutsideIssuer, deps: TrustDeps): TrustedOutside {
  const { entry } = issuer;
  const metadata = rememberMetadata(issuer, deps);
  const keys = remoteKeys(entry.jwks_uri ?? entry.issuer, {
    now: deps.now,
    fetchKeySet: () => fetchKeySet(issuer, metadata, deps.fetchJson),
    onFault: logFaults(entry.issuer, deps.log),
  });
  const introspect = introspectionOf(issuer, metadata, deps);
  const trusted = trustedFrom(issuer, keys, logOverage(entry.issuer, deps.log));
  let isTrusted = true;
  const restsOn = (basis: Basis): Basis => ({
    get holds() {
      return isTrusted && basis.holds;
    },
  });
  return {
    issuer,
    keys,
    async verify(token, options) {
      const basis = restsOn(keys.basis());
      return { claims: await verifyToken(token, trusted(undefined), options), basis };
    },
    async introspect(token, options) {
      const answer = await introspect?.(token, options.asker ?? "");
      if (answer === undefined) return undefined;
      const until = deps.now() + INTROSPECTION_MAX_AGE_MS;
      const basis = {
        get holds() {
          return deps.now() < until;
        },
      };
      return {
        claims: verifyAnswer(answer, trusted(hash("sha256", token, "base64url")), options),
        basis: restsOn(basis),
      };
    },
    distrust: () => void (isTrusted = false),
  };
}

/** A listener that tells the log when an issuer's keys cannot be had, and when they can again: once each time. */
export function logFaults(issuer: string, log: Logger): NonNullable<KeySetOptions["onFault"]> {
  return (fault, error) => {
    if (fault === undefined) return log.info({ issuer }, "the signing keys of an issuer can be had again");
    log.warn({ issuer, ...error?.facts }, `the signing keys of an issuer cannot be used: ${fault}`);
  };
}

/** Where keys are, and whom to ask about tokens, where the entry does not say it. */
type FindMetadata = () => Promise<IssuerMetadata>;

function rememberMetadata({ entry, ca }: OutsideIssuer, { fetchJson, now }: TrustDeps): FindMetadata {
  let known: { readonly metadata: IssuerMetadata; readonly at: number } | undefined;
  return async () => {
    if (known !== undefined && now() - known.at < METADATA_MAX_AGE_MS) return known.metadata;
    const metadata = await discoverIssuer(entry.issuer, fetchJson, ca);
    known = { metadata, at: now() };
    return metadata;
  };
}

async function fetchKeySet(
  { entry, ca, keySet }: OutsideIssuer,
  metadata: FindMetadata,
  fetchJson: FetchJson,
): Promise<unknown> {
  if (keySet !== undefined) return keySet;
  const url = entry.jwks_uri ?? (await metadata()).jwks_uri;
  if (url === undefined) throw new AppError("unavailable", "the issuer's metadata name no key set (jwks_uri)");
  return fetchJson({ url, ca });
}

function introspectionOf(issuer: OutsideIssuer, metadata: FindMetadata, deps: TrustDeps): Introspect | undefined {
  const { introspection } = issuer.entry;
  if (introspection === undefined) return undefined;
  const endpoint = async (): Promise<string> => {
    const url = introspection.endpoint ?? (await metadata()).introspection_endpoint;
    if (url !== undefined) return url;
    throw new AppError("unavailable", "the issuer's metadata name no introspection_endpoint");
  };
  return createIntrospection(issuer, { ...deps, endpoint });
}

/** The pins of the entry. The hash of a token stands for its id where it has none. */
function trustedFrom({ entry }: OutsideIssuer, keys: RemoteKeys, onClaims: (claims: ParsedToken["payload"]) => void) {
  return (tokenHash: string | undefined): TrustedIssuer<VerifiedClaims> => ({
    issuer: entry.issuer,
    audiences: entry.audience,
    audienceClaim: entry.audience_claim,
    algorithms: entry.algorithms,
    types: entry.type,
    isOwn: false,
    keys,
    refreshKeys: keys.refresh,
    readClaims(claims, _kid, report) {
      onClaims(claims);
      return readOutsideClaims(claims, entry, tokenHash, report);
    },
  });
}

/** Groups that are missing are told to the operator once for each issuer: their people would wonder. */
function logOverage(issuer: string, log: Logger): (claims: ParsedToken["payload"]) => void {
  let isLogged = false;
  return (claims) => {
    if (isLogged || !hasOverage(claims)) return;
    isLogged = true;
    const message =
      "a token leaves its person's groups out because they are too many (overage): they count for nothing";
    log.warn({ issuer, claim: "_claim_names" }, message);
  };
}
