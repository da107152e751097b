import { generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { type JWTPayload, SignJWT } from "jose";
import { parse } from "yaml";
import { AppError } from "#shared/errors/app-error.ts";
import type { FetchJson } from "#shared/tokens/http/fetch-json.ts";
import type { IssuerEntry } from "#shared/tokens/outside-issuers.ts";

/** A login provider, its tokens in their documented shape, and what they are to become here. */
export interface Provider {
  readonly name: string;
  /** Which of its tokens. */
  readonly token: string;
  /** What an entry must say beside the usual, and why, for people. */
  readonly needs: string;
  /** The entry of the issuers' file, as the documentation shows it. */
  readonly entry: string;
  readonly alg: "RS256" | "ES256";
  /** The token's header beside `alg`. */
  readonly header: Readonly<Record<string, unknown>>;
  /** The claims beside `iat` and `exp`. */
  readonly claims: JWTPayload;
  /** Where its keys are, as its metadata say. */
  readonly jwksUri: string;
  /** Set for a token that says nothing by itself: what the provider answers about it is `claims`. */
  readonly opaque?: { readonly token: string; readonly endpoint: string };
  readonly expected: ExpectedPerson;
}

/** What a token becomes. */
export interface ExpectedPerson {
  readonly tenant_id: string;
  readonly sub: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  readonly attributes?: Readonly<Record<string, readonly string[]>>;
}

/** A provider with keys of its own. */
export interface RunningProvider {
  /** Its entry as YAML gives it. */
  readonly entry: Readonly<Record<string, unknown>> & Pick<IssuerEntry, "issuer">;
  /** Answers for each address of the provider as it would. */
  readonly fetchJson: FetchJson;
  /** What stands at the address of its keys. */
  readonly keySet: object;
  /** A token that ends in an hour, with some of its claims changed. */
  readonly sign: (change?: JWTPayload) => Promise<string>;
}

/** Gives a provider fresh keys. */
export function runProvider(provider: Provider): RunningProvider {
  const [entry] = parse(provider.entry) as [RunningProvider["entry"]];
  const { privateKey, publicKey } = createKeys(provider.alg);
  const { kid } = provider.header;
  // Real key sets hold keys of other uses, too.
  const { publicKey: other } = createKeys("RS256");
  const keySet = {
    keys: [
      { ...other.export({ format: "jwk" }), kid: "another", use: "enc" },
      { ...publicKey.export({ format: "jwk" }), alg: provider.alg, use: "sig", ...(kid !== undefined && { kid }) },
    ],
  };
  const issuedAt = Math.floor(Date.now() / 1_000);
  const withTimes = (change: JWTPayload): JWTPayload => ({
    ...provider.claims,
    iat: issuedAt,
    exp: issuedAt + 3_600,
    ...change,
  });
  let answer = withTimes({});
  return {
    entry,
    keySet,
    fetchJson: async ({ url }) => answerAt(url, { provider, issuer: entry.issuer, keySet, answer }),
    async sign(change = {}) {
      answer = withTimes(change);
      if (provider.opaque !== undefined) return provider.opaque.token + randomUUID();
      return new SignJWT(answer).setProtectedHeader({ alg: provider.alg, ...provider.header }).sign(privateKey);
    },
  };
}

function createKeys(alg: Provider["alg"]): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  return alg === "RS256"
    ? generateKeyPairSync("rsa", { modulusLength: 2_048 })
    : generateKeyPairSync("ec", { namedCurve: "P-256" });
}

interface Served {
  readonly provider: Provider;
  readonly issuer: string;
  readonly keySet: object;
  readonly answer: JWTPayload;
}

function answerAt(url: string, { provider, issuer, keySet, answer }: Served): object {
  if (url === provider.jwksUri) return keySet;
  if (url === provider.opaque?.endpoint) return { active: true, ...answer };
  if (url === `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`) {
    return { issuer, jwks_uri: provider.jwksUri, introspection_endpoint: provider.opaque?.endpoint };
  }
  throw new AppError("unavailable", "the server answers 404", { facts: { url, status: "404" } });
}
