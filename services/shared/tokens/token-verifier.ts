import { Counter, type Registry } from "prom-client";
import { poll } from "#shared/async/poll.ts";
import { singleFlight } from "#shared/async/single-flight.ts";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { watchFile } from "#shared/files/watch-file.ts";
import { fetchJson } from "./http/fetch-json.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { judgeToken, type TrustedOwn } from "./judge-token.ts";
import { readOutsideIssuers } from "./outside-issuers.ts";
import { type OwnKeys, ownKeys } from "./own-keys.ts";
import { tokenInvalid } from "./parse-token.ts";
import { rememberVerified, type Verdict } from "./remember-verified.ts";
import { TrustedIssuers } from "./trusted-issuers.ts";
import type { VerifiedClaims } from "./verified-claims.ts";
import { ownIssuer, type VerifierConfig, withoutWithdrawn } from "./verify-access-token.ts";
import { isRefusedForTime } from "./verify-token.ts";

/** How often keys are looked after: those that could not be had, and those that have become old. */
const LOOK_AFTER_KEYS_MS = 2_000;

/** Auth's time, and how to ask for it before any answer has come. */
export interface AskedTime {
  readonly authTime: {
    readonly isKnown: boolean;
    /** Milliseconds since 1970. */
    now(): number;
  };
  /** Asks auth what time it is. Throws AppError `unavailable` when there is no answer in time. */
  readonly askTime: () => Promise<void>;
}

/** Says whose tokens hold: auth's, and those of the outside issuers that are configured. */
export interface TokenVerifier extends Disposable {
  /**
   * The claims of a token that holds. Whether its session lives is not in it.
   * @throws {AppError} `token_expired`; `token_invalid` for any other fault of the token; `unavailable` while it cannot be
   * judged. The message says what is wrong, the facts name issuer, kid and claim. `asker` is the address that the token came from: where
   * an issuer must be asked about it, addresses take turns.
   */
  readonly verify: (token: string, asker?: string) => Promise<VerifiedClaims>;
  /** Whether a token calls itself an outside issuer's, or may be an opaque one of theirs. */
  readonly isOutside: (token: string) => boolean;
  /** Whether tokens that call themselves that issuer's are judged here. */
  readonly knows: (issuer: string) => boolean;
  /** Whether auth's tokens can be checked. */
  readonly checks: OwnKeys["checks"];
}

/** What a verifier works with beside its settings. */
export interface VerifierDeps {
  /** The keys of auth that are withdrawn. */
  readonly withdrawn: { has(kid: string): boolean };
  readonly time: AskedTime;
  readonly log: Logger;
  readonly registry: Registry;
  /** Gets each verification: whether the token was remembered, and how long it took. */
  readonly onVerified?: (cached: boolean, seconds: number) => void;
  /** How often the issuers' file is looked at; a second where it is left out. */
  readonly watchEveryMs?: number;
}

/**
 * Opens the one verifier of a service, and follows the issuers' file until disposed: a change is in force within 3 s, and a
 * broken file leaves the last good one in force.
 * @throws {BootError} when the issuers' file cannot be used.
 */
export async function openTokenVerifier(config: VerifierConfig, deps: VerifierDeps): Promise<TokenVerifier> {
  const { AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience } = config;
  const { withdrawn, time, onVerified, log } = deps;
  using stack = new DisposableStack();
  const outside = new TrustedIssuers({ fetchJson, now: () => performance.now(), log });
  if (config.AUTH_ISSUERS_FILE !== undefined) {
    stack.use(await followIssuersFile(config.AUTH_ISSUERS_FILE, config, outside, deps));
  }
  const { keys, checks } = ownKeys(config, fetchJson, log);
  const lookAfterKeys = async (): Promise<void> => {
    await Promise.all([keys, ...outside.keySets].map((each) => each.keep()));
  };
  stack.use(poll(LOOK_AFTER_KEYS_MS, lookAfterKeys));
  const trusted = ownIssuer(withoutWithdrawn(keys, withdrawn), { issuer, audience });
  const own = { trusted: { ...trusted, refreshKeys: keys.refresh }, basis: keys.basis };
  const remembered = rememberVerified(createTokenVerifier(own, outside, time), onVerified, () => time.authTime.now());
  const running = stack.move();
  return {
    isOutside: (token) => outside.mayBeTheirs(token),
    knows: (name) => name === issuer || outside.find(name) !== undefined,
    checks,
    async verify(token, asker) {
      const claims = await remembered(token, asker);
      // A token that is remembered does not come by its key again.
      if (withdrawn.has(claims.kid)) {
        throw tokenInvalid("the key of the access token is withdrawn", { issuer, kid: claims.kid });
      }
      return claims;
    },
    [Symbol.dispose]: () => running.dispose(),
  };
}

/**
 * A verifier of auth's tokens and outside issuers'. Times are compared with auth's clock. While that is not known, a token
 * that fails by this machine's time alone is refused with `unavailable`: it may be valid.
 */
export function createTokenVerifier(
  own: TrustedOwn,
  outside: TrustedIssuers,
  { authTime, askTime }: AskedTime,
): (token: string, asker?: string) => Promise<Verdict<VerifiedClaims>> {
  const asked = singleFlight<void>();
  return async (token, asker) => {
    if (!authTime.isKnown) await asked("time", askTime).catch(() => undefined);
    try {
      return await judgeToken(token, own, outside, { now: authTime.now(), asker });
    } catch (error) {
      if (authTime.isKnown || !isRefusedForTime(toAppError(error))) throw error;
      throw new AppError("unavailable", "the time by which the token is judged is not known yet", { cause: error });
    }
  };
}

/** The counter of a service, whose homes may have a file each. */
function rejectedIn(registry: Registry): Counter {
  const name = "sluice_issuers_file_rejected_total";
  const help = "Changes of the issuers' file that were not put in force; the last good one is";
  const known = registry.getSingleMetric(name);
  return known instanceof Counter ? known : new Counter({ name, help, registers: [registry] });
}

/** Reads the issuers' file, and again whenever it or a file that it names has changed. */
async function followIssuersFile(
  path: string,
  { AUTH_ISSUER: issuer, issuerSecrets }: VerifierConfig,
  outside: TrustedIssuers,
  { log, registry, watchEveryMs }: VerifierDeps,
): Promise<Disposable> {
  const rejected = rejectedIn(registry);
  let file = await readOutsideIssuers(path, issuer, issuerSecrets);
  outside.adopt(file.issuers);
  return watchFile({
    ...(watchEveryMs !== undefined && { everyMs: watchEveryMs }),
    get paths() {
      return file.paths;
    },
    read: () => readOutsideIssuers(path, issuer, issuerSecrets),
    onRead(read) {
      file = read;
      outside.adopt(read.issuers);
      log.info({ file: path, issuers: outside.names }, "the issuers' file is in force");
    },
    onFault(reason) {
      rejected.inc();
      log.error({ file: path, reason }, "the issuers' file cannot be used; the last good one is in force");
    },
  });
}
