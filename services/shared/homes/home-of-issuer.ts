import type { TokenVerifier } from "#shared/tokens/token-verifier.ts";
import type { FurtherHome, HomeState } from "./further-home.ts";

/** What can judge tokens. */
interface Judging {
  readonly verifier: Pick<TokenVerifier, "knows">;
}

/** A further home that a service serves, or would serve if it could be opened. */
export interface ServedHome<Open> {
  readonly home: Pick<FurtherHome<Open>, "state">;
  /** Whom its auth calls itself. */
  readonly issuer: string;
  /** The outside issuers that it lists, as far as they are known while it is not open. */
  readonly outside: readonly string[];
}

/**
 * The home to which an issuer's tokens belong; undefined where none knows it. A home's own issuer is that home's, whatever other homes
 * list: no list of outside issuers has another home's people come in by its rules. Of an outside issuer the own home comes first, and
 * then the order of the file.
 */
export function homeOfIssuer<Open extends Judging>(
  issuer: string,
  own: Open,
  further: readonly ServedHome<Open>[],
): HomeState<Open> | undefined {
  const named = further.find((each) => each.issuer === issuer);
  if (named !== undefined) return named.home.state;
  if (own.verifier.knows(issuer)) return { is: "open", open: own };
  return further.find((each) => lists(each, issuer))?.home.state;
}

function lists<Open extends Judging>({ home: { state }, outside }: ServedHome<Open>, issuer: string): boolean {
  return state.is === "open" ? state.open.verifier.knows(issuer) : outside.includes(issuer);
}
