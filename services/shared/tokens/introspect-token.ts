import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import { fairLimiter } from "#shared/async/fair-limiter.ts";
import { FairPlaces } from "#shared/async/fair-places.ts";
import { singleFlight } from "#shared/async/single-flight.ts";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import type { FetchJson, JsonQuestion } from "./http/fetch-json.ts";
import type { OutsideIssuer } from "./outside-issuers.ts";

/** An answer is believed for so long at the most: the issuer may take the token back at any time. */
export const INTROSPECTION_MAX_AGE_MS = 30_000;

/** How long "I do not know this token" is believed: whoever repeats it costs the issuer one question. */
const REFUSAL_MAX_AGE_MS = 10_000;

const MAX_REFUSALS = 20_000;

/** Questions at one issuer, and how many there may be with those that wait for their turn: addresses share both. */
const MAX_QUESTIONS = { running: 16, inAll: 512 } as const;

/** While an issuer is away or overloaded it is left alone for so long. */
const REST_MS = 1_000;

/** The answers of an issuer that is overloaded, or of a proxy before it. Any other may be about the one token that was asked about. */
const OVERLOADED = new Set(["429", "502", "503", "504"]);

/** What an issuer says of a token that is good (RFC 7662, section 2.2). */
export type IntrospectedClaims = Readonly<Record<string, unknown>>;

/**
 * Asks an issuer about opaque tokens; undefined for one that is not good there. `asker` is the address that the token came from, with
 * which others do not wait. Throws AppError `unavailable`.
 */
export type Introspect = (token: string, asker: string) => Promise<IntrospectedClaims | undefined>;

const answerSchema = z.looseObject({ active: z.boolean() });

/** Where and how an issuer is asked. */
export interface IntrospectionDeps {
  readonly endpoint: () => Promise<string>;
  readonly fetchJson: FetchJson;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
}

/** Makes the questions to one issuer: each token is asked about once at a time, refusals are remembered by its hash. */
export function createIntrospection(
  { entry: { introspection }, ca, clientSecret = "" }: OutsideIssuer,
  { endpoint, fetchJson, now }: IntrospectionDeps,
): Introspect {
  if (introspection === undefined) throw new TypeError("this issuer is not asked about tokens");
  const { client_id, method } = introspection;
  const refused = new LRUCache<string, true>({ max: MAX_REFUSALS, ttl: REFUSAL_MAX_AGE_MS });
  const asked = singleFlight<IntrospectedClaims | undefined>();
  const limit = fairLimiter(MAX_QUESTIONS.running);
  const places = new FairPlaces(MAX_QUESTIONS.inAll);
  let failedAt = Number.NEGATIVE_INFINITY;

  const credentialsWith = (token: string): Pick<JsonQuestion, "form" | "authorization"> => {
    const form = { token, token_type_hint: "access_token" };
    if (method === "client_secret_post") return { form: { ...form, client_id, client_secret: clientSecret } };
    return { form, authorization: basicOf(client_id, clientSecret) };
  };
  const ask = async (token: string): Promise<IntrospectedClaims | undefined> => {
    if (now() - failedAt < REST_MS) throw unavailable("it did not answer a moment ago");
    const answer = await endpoint()
      .then((url) => fetchJson({ url, ca, ...credentialsWith(token) }))
      .catch((thrown: unknown) => {
        const error = toAppError(thrown);
        const { status } = error.facts;
        if (status === undefined || OVERLOADED.has(status)) failedAt = now();
        throw unavailable(error.message, error);
      });
    const parsed = answerSchema.safeParse(answer);
    if (!parsed.success) throw unavailable("the answer does not say whether the token is active");
    return parsed.data.active ? parsed.data : undefined;
  };

  return async (token, asker) => {
    const key = hash("sha256", token, "base64");
    if (refused.has(key)) return undefined;
    using place = places.take([asker]);
    if (place === undefined) throw unavailable("too many questions are under way");
    const claims = await asked(key, () => limit(asker, () => ask(token)));
    if (claims === undefined) refused.set(key, true);
    return claims;
  };
}

/** HTTP Basic with both parts encoded as a form's (RFC 6749, section 2.3.1). */
function basicOf(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString("base64")}`;
}

function formEncoded(text: string): string {
  return encodeURIComponent(text).replaceAll("%20", "+");
}

function unavailable(reason: string, cause?: unknown): AppError {
  const facts = cause === undefined ? {} : toAppError(cause).facts;
  const message = `the issuer that knows such tokens cannot be asked about this one: ${reason}`;
  return new AppError("unavailable", message, { facts, ...(cause !== undefined && { cause }) });
}
