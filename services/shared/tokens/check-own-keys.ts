import { z } from "zod";
import { singleFlight } from "#shared/async/single-flight.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import type { ReadinessChecks } from "#shared/lifecycle/readiness.ts";
import { KEYS_MAX_AGE_MS } from "./remote-keys.ts";

/** A good answer is asked for again after so long. */
const LOOK_AGAIN_MS = 30_000;

const TIMEOUT_MS = 1_500;

const MAX_BYTES = 256 * 1_024;

const keySetSchema = z.object({ keys: z.array(z.unknown()) });
const metadataSchema = z.object({ issuer: z.string() });

/** What is wrong with auth's keys, and with its name; undefined where nothing is. */
interface Look {
  readonly keys: string | undefined;
  readonly issuer: string | undefined;
}

/**
 * Checks that auth's key set can be had at `AUTH_JWKS_URL`, and that auth, where it says so beside the keys (RFC 8414), calls
 * itself `AUTH_ISSUER`. A key set that was had within the last five minutes still serves: nothing is wrong that long.
 */
export function createKeyChecks(
  config: { readonly AUTH_JWKS_URL: string; readonly AUTH_ISSUER: string },
  now: () => number = () => performance.now(),
): Pick<ReadinessChecks, "keys_unusable" | "issuer_differs"> {
  const looking = singleFlight<Look>();
  let known: { readonly at: number; readonly look: Look } | undefined;
  let hadAt = Number.NEGATIVE_INFINITY;
  const look = async (): Promise<Look> => {
    const isGood = known?.look.keys === undefined && known?.look.issuer === undefined;
    if (known !== undefined && isGood && now() - known.at < LOOK_AGAIN_MS) return known.look;
    const fault = await checkKeySet(config.AUTH_JWKS_URL);
    if (fault === undefined) hadAt = now();
    const issuer = fault === undefined ? await checkIssuer(config) : known?.look.issuer;
    const found = { keys: now() - hadAt < KEYS_MAX_AGE_MS ? undefined : fault, issuer };
    if (fault === undefined) known = { at: now(), look: found };
    return found;
  };
  return {
    keys_unusable: async () => (await looking("", look)).keys,
    issuer_differs: async () => (await looking("", look)).issuer,
  };
}

async function checkKeySet(url: string): Promise<string | undefined> {
  const answer = await ask(url);
  if (typeof answer === "string") return `AUTH_JWKS_URL ${url} ${answer}`;
  const keys = keySetSchema.safeParse(parseJson(answer.text)).data?.keys;
  if (keys === undefined)
    return `AUTH_JWKS_URL ${url} answers ${answer.type}, which is no key set (RFC 7517): is it auth's /.well-known/jwks.json?`;
  return keys.length === 0 ? `AUTH_JWKS_URL ${url} answers a key set without keys` : undefined;
}

/** Auth's metadata stands beside its keys; where there is none, nothing is said. */
async function checkIssuer(config: {
  readonly AUTH_JWKS_URL: string;
  readonly AUTH_ISSUER: string;
}): Promise<string | undefined> {
  if (!config.AUTH_JWKS_URL.endsWith("/.well-known/jwks.json")) return undefined;
  const answer = await ask(new URL("oauth-authorization-server", config.AUTH_JWKS_URL).href);
  const issuer = typeof answer === "string" ? undefined : metadataSchema.safeParse(parseJson(answer.text)).data?.issuer;
  if (issuer === undefined || issuer === config.AUTH_ISSUER) return undefined;
  const [here, there] = [config.AUTH_ISSUER, issuer].map((text) => JSON.stringify(text.slice(0, 200)));
  return `AUTH_ISSUER is ${here} here, and auth calls itself ${there}: ${differenceOf(config.AUTH_ISSUER, issuer)}. Set both alike: every token is refused otherwise`;
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

/** What a URL answers, or what went wrong in words that follow the URL. */
async function ask(url: string): Promise<{ readonly type: string; readonly text: string } | string> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(url, { signal, redirect: "manual", headers: { accept: "application/json" } });
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      const to = (response.headers.get("location") ?? "elsewhere").slice(0, 200);
      return `redirects (${response.status}) to ${to}, and redirects are not followed: name the address that answers`;
    }
    if (response.status !== 200) {
      await response.body?.cancel();
      return `answers ${response.status}`;
    }
    return { type: response.headers.get("content-type") ?? "no type", text: await readText(response) };
  } catch (error) {
    return `cannot be had: ${reasonOf(error as Error)}`;
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function reasonOf(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  if (error.name === "TimeoutError") return `no answer within ${TIMEOUT_MS} ms`;
  const isOwnAuthority = /SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)/.test(code);
  return `${cause.message || code}${isOwnAuthority ? "; name your authority's certificate in NODE_EXTRA_CA_CERTS" : ""}`;
}
