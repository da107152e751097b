import { createHash } from "node:crypto";
import type { OutsideIssuer } from "./outside-issuers.ts";
import { parseToken } from "./parse-token.ts";
import type { RemoteKeys } from "./remote-keys.ts";
import { type TrustDeps, type TrustedOutside, trustOutside } from "./trust-outside.ts";

/** The outside issuers of now. An entry that a new file has unchanged keeps its keys. */
export class TrustedIssuers {
  readonly #deps: TrustDeps;
  #trusted: ReadonlyMap<unknown, { readonly outside: TrustedOutside; readonly fingerprint: string }> = new Map();

  constructor(deps: TrustDeps) {
    this.#deps = deps;
  }

  /** Puts a list in force; what rested on an entry that is gone or another does not hold any longer. */
  adopt(issuers: readonly OutsideIssuer[]): void {
    const before = this.#trusted;
    this.#trusted = new Map(
      issuers.map((issuer) => {
        const fingerprint = fingerprintOf(issuer);
        const known = before.get(issuer.entry.issuer);
        const isSame = known?.fingerprint === fingerprint;
        return [issuer.entry.issuer, isSame ? known : { outside: trustOutside(issuer, this.#deps), fingerprint }];
      }),
    );
    const kept = new Set([...this.#trusted.values()].map(({ outside }) => outside));
    for (const { outside } of before.values()) if (!kept.has(outside)) outside.distrust();
  }

  /** The issuer of that name. */
  find(name: unknown): TrustedOutside | undefined {
    return this.#trusted.get(name)?.outside;
  }

  /** The names of all issuers. */
  get names(): string[] {
    return this.#all.map(({ issuer }) => issuer.entry.issuer);
  }

  /** Those that are asked about an opaque token, in the file's order. */
  askedAbout(token: string): TrustedOutside[] {
    return this.#all.filter(({ issuer: { entry } }) => {
      return entry.introspection !== undefined && token.startsWith(entry.introspection.token_prefix ?? "");
    });
  }

  /** The key sets of issuers whose tokens are signed. */
  get keySets(): RemoteKeys[] {
    return this.#all.filter(isSigning).map(({ keys }) => keys);
  }

  /** Whether a token names one of these issuers, or is an opaque one and may be theirs. Nothing of it is checked. */
  mayBeTheirs(token: string): boolean {
    if (this.#trusted.size === 0) return false;
    const parsed = parseQuietly(token);
    return parsed === undefined ? this.askedAbout(token).length > 0 : this.#trusted.has(parsed.payload["iss"]);
  }

  get #all(): TrustedOutside[] {
    return [...this.#trusted.values()].map(({ outside }) => outside);
  }
}

function isSigning({ issuer: { entry } }: TrustedOutside): boolean {
  return entry.introspection === undefined || (entry.jwks_uri ?? entry.jwks_file) !== undefined;
}

function parseQuietly(token: string): ReturnType<typeof parseToken> {
  try {
    return parseToken(token);
  } catch {
    return undefined;
  }
}

/** Equal ones are the same in every word, and in the files that they name. */
function fingerprintOf(issuer: OutsideIssuer): string {
  return createHash("sha256").update(JSON.stringify(issuer)).digest("base64");
}
