import type { AppError } from "#shared/errors/app-error.ts";
import type { IssuerEntry } from "#shared/tokens/outside-issuers.ts";
import type { TokenStep } from "#shared/tokens/verify-token.ts";

/** What to do about a step that failed, in sentences. */
export function adviceFor(step: TokenStep, { code, facts }: AppError, entry: IssuerEntry | undefined): string {
  const claim = facts["claim"] ?? "";
  switch (step) {
    case "shape":
      return "Give the whole token, three parts with dots between, without the word Bearer. An opaque token can only be asked about: give its issuer's entry an introspection.";
    case "issuer":
      return code === "unavailable"
        ? "The issuer could not be asked. See the address above, ca_file, and the client's id and secret."
        : `Add an entry for ${facts["issuer"] ?? "the issuer"} to the issuers' file, or set AUTH_ISSUER to it where auth issued the token: each is compared to the slash.`;
    case "header":
      return headerAdvice(claim, facts);
    case "key":
      return code === "unavailable"
        ? "Open the address above from this machine. A private CA is named in ca_file, another address in jwks_uri."
        : "The key is not among those fetched above: the token is of another environment, or its issuer has changed its keys since.";
    case "signature":
      return "The token was changed on its way, or another key of the same name signed it. Take a fresh one from its issuer.";
    case "audience":
      return audienceAdvice(facts, entry);
    case "times":
      return timesAdvice(claim, facts);
    case "tenant":
      return `List what the token says under tenants of the entry, or name another claim in tenant_claim.`;
    case "subject":
    case "roles":
    case "groups":
    case "attributes":
      return `Name the claim that has it in the entry: claims.subject for who the person is${claim === "" ? "" : `; it looked at ${claim}`}.`;
  }
}

function headerAdvice(claim: string, facts: AppError["facts"]): string {
  if (claim === "typ")
    return `List ${facts["typ"]} under type of the entry. An ID token or a refresh token is not an access token.`;
  if (claim === "alg")
    return `List ${facts["alg"]} under algorithms of the entry, if it has a public key: HS… and none never count.`;
  return "Take the token as its issuer gave it out: its header is not one that is understood.";
}

function audienceAdvice(facts: AppError["facts"], entry: IssuerEntry | undefined): string {
  const listed =
    entry === undefined ? "AUTH_AUDIENCE says what is expected." : `The entry lists ${entry.audience.join(", ")}.`;
  const said = facts["said"];
  if (said === undefined)
    return `${listed} Some providers name it in another claim: see audience_claim (aud, client_id, azp).`;
  return `${listed} If ${said} is this service, list it under audience; otherwise ask the provider for a token for this one.`;
}

function timesAdvice(claim: string, { seconds }: AppError["facts"]): string {
  if (seconds === undefined) return "The token's times must be numbers of seconds since 1970.";
  return claim === "exp"
    ? `It ended ${seconds} s ago by this machine's clock. Get a new one; if it is new, compare the clocks.`
    : `It begins in ${seconds} s by this machine's clock: compare the clocks of this machine and of the issuer.`;
}
