import { toAppError } from "#shared/errors/app-error.ts";
import { type FetchJson, fetchJson } from "#shared/tokens/http/fetch-json.ts";
import { judgeToken } from "#shared/tokens/judge-token.ts";
import { fetchKeys } from "#shared/tokens/key-addresses.ts";
import type { OutsideIssuer } from "#shared/tokens/outside-issuers.ts";
import { parseKeySet } from "#shared/tokens/parse-key-set.ts";
import { remoteKeys } from "#shared/tokens/remote-keys.ts";
import { TrustedIssuers } from "#shared/tokens/trusted-issuers.ts";
import { ownIssuer, type VerifierConfig } from "#shared/tokens/verify-access-token.ts";
import type { TokenStep } from "#shared/tokens/verify-token.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import type { Terminal } from "../shared/command.ts";
import { adviceFor } from "./advice.ts";

/** Whom a check trusts, and where it writes. */
export interface CheckDeps {
  /** Auth as it is set; undefined where only outside issuers count. */
  readonly config: VerifierConfig | undefined;
  readonly outside: readonly OutsideIssuer[];
  readonly print: Terminal["print"];
  readonly say: Terminal["say"];
}

/**
 * Says step by step what a verifier thinks of a token: it is the services' own, watched at work. Answers whether the token
 * holds. Nothing of the token's signature is printed.
 */
export async function checkToken(token: string, { config, outside, print, say }: CheckDeps): Promise<boolean> {
  const line = (mark: string, step: string, text: string): void => say(`${mark} ${step.padEnd(10)} ${text}`);
  const fetching = tellFetches(fetchJson, (text) => line(" ", "", text));
  const issuers = new TrustedIssuers({
    fetchJson: fetching,
    now: () => performance.now(),
    log: createLogger("sluice", "silent"),
  });
  issuers.adopt(outside);
  const own = config && trustOwn(config, fetching);
  try {
    const { claims } = await judgeToken(token, own, issuers, {
      report: (step, found) => print({ step, ok: true, found: found() }, () => line("✓", step, found())),
    });
    const until = new Date(claims.exp * 1_000).toISOString();
    print({ holds: true, until }, () => {
      say(`\nThe token holds until ${until}.`);
      for (const note of notesOn(claims.isOutside ?? false)) say(note);
    });
    return true;
  } catch (thrown) {
    const error = toAppError(thrown);
    const { step = "shape", ...facts } = error.facts;
    print({ step, ok: false, found: error.message, ...facts }, () => {
      line("✗", step, error.message);
      for (const [name, value] of Object.entries(facts)) line(" ", "", `${name}: ${value}`);
    });
    if (error.code === "internal") throw thrown;
    const advice = adviceFor(step as TokenStep, error, issuers.find(facts["issuer"])?.issuer.entry);
    print({ holds: false, advice }, `\n${advice}`);
    return false;
  }
}

function trustOwn(config: VerifierConfig, fetching: FetchJson) {
  const { AUTH_JWKS_URL: url, AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience } = config;
  const keys = remoteKeys(url, { fetchKeySet: async () => (await fetchKeys(url, fetching)).keySet });
  return { trusted: ownIssuer(keys, { issuer, audience }), basis: keys.basis };
}

/** Tells what is fetched, and which keys came. */
function tellFetches(ask: FetchJson, tell: (text: string) => void): FetchJson {
  return async (question) => {
    try {
      const answer = await ask(question);
      tell(`fetched ${question.url}${keysIn(answer)}`);
      return answer;
    } catch (error) {
      tell(`could not fetch ${question.url}: ${toAppError(error).message}`);
      throw error;
    }
  };
}

function keysIn(answer: unknown): string {
  if (typeof answer !== "object" || answer === null || !("keys" in answer)) return "";
  const keys = parseKeySet(answer).map(({ kid = "without a kid", kty, crv }) => `${kid} (${crv ?? kty})`);
  return keys.length === 0 ? ": no key that can be used" : `: ${keys.join(", ")}`;
}

function notesOn(isOutside: boolean): string[] {
  if (!isOutside) return ["Whether its session still lives, only auth can say: the services ask it each time."];
  return ["Its roles, groups and attributes count where the tenant's policy trusts the issuer for them (trust)."];
}
