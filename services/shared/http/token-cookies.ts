import { type CookieSettings, isHttps } from "./cookie-settings.ts";
import type { HeaderValues } from "./token-source.ts";

/** The names of the two cookies of a session. */
export interface CookieNames {
  readonly access: string;
  readonly refresh: string;
}

/** The tokens that a request's cookies carry, without repetition; a browser may send several under one name. */
export interface CookieTokens {
  readonly access: readonly string[];
  readonly refresh: readonly string[];
  /** The names that they came under. */
  readonly names: CookieNames;
}

/** Values for `Set-Cookie`; absent ones are left as they are. */
export type GivenTokens = Partial<Readonly<Record<keyof CookieNames, string>>>;

/** The cookies of a session (RFC 6265), the same whichever service reads or sets them. */
export interface TokenCookies {
  /**
   * Finds the tokens in a request. The names without `__Host-` or `__Secure-`, which the last release gave, count only where
   * none of today's is there: any host of the domain can plant them.
   */
  read(headers: HeaderValues): CookieTokens;
  /**
   * The `Set-Cookie` values that give tokens to the browser. `maxAgeSeconds` is what is left of the session: a cookie that went
   * with its token would turn the reconnect of a stream into an anonymous request, which an EventSource does not survive.
   */
  give(tokens: GivenTokens, maxAgeSeconds: number, names?: CookieNames): readonly string[];
  /** The `Set-Cookie` values that take back what is kept beside the cookies that `give` sets; none where a request has only those. */
  tidy(headers: HeaderValues): readonly string[];
  /** The `Set-Cookie` value of another cookie, which goes to the host alone that sets it, and to the same pages. */
  giveBeside(name: string, value: string, maxAgeSeconds: number): string;
  /** The `Set-Cookie` values that take back both tokens, however they were given under these settings or before them. */
  clear(): readonly string[];
}

/** The names of the cookies, before anything is put in front. */
const NAMES: CookieNames = { access: "auth_token", refresh: "refresh_token" };

/**
 * How many cookies of one name are tried, the last ones. A browser sends those with the longest path first, so ours, with
 * the path `/`, come last: what a neighbouring host plants under other paths cannot push them out.
 */
const MAX_TRIED = 8;

/** Of how many cookies the names are read: browsers keep 180 for a host. */
const MAX_PAIRS = 1_000;

/** Makes the reading and writing of the cookies by the settings. */
export function createTokenCookies(settings: CookieSettings): TokenCookies {
  const [names, oldNames] = [namesBy(settings), prefixed(settings.AUTH_COOKIE_NAME_PREFIX)];
  const given = { domain: settings.AUTH_COOKIE_DOMAIN, isPartitioned: settings.AUTH_COOKIE_PARTITIONED === "1" };
  const write = createWriter(settings);
  const others = placesBeside(settings, [names, oldNames], given);
  const clearAt = ({ name, ...place }: NamedPlace): string => write(name, "", 0, place);
  return {
    read(headers) {
      const today = tokensNamed(headers, names);
      return countOf(today) > 0 ? today : tokensNamed(headers, oldNames);
    },
    give(tokens, maxAgeSeconds, as = names) {
      // Old names were given to one host alone.
      const place = as.access === names.access ? given : { domain: undefined, isPartitioned: false };
      return KINDS.flatMap((kind) => {
        const token = tokens[kind];
        return token === undefined ? [] : [write(as[kind], token, maxAgeSeconds, place)];
      });
    },
    giveBeside: (name, value, maxAgeSeconds) => write(name, value, maxAgeSeconds, { ...given, domain: undefined }),
    tidy(headers) {
      const [today, old] = [tokensNamed(headers, names), tokensNamed(headers, oldNames)];
      const hasOld = oldNames.access !== names.access && countOf(old) > 0;
      const isDoubled = today.access.length > 1 || today.refresh.length > 1;
      const mayBeDoubled = given.domain !== undefined && countOf(today) > 0;
      return hasOld || isDoubled || mayBeDoubled ? others.map(clearAt) : [];
    },
    clear: () => [...KINDS.map((kind) => ({ name: names[kind], ...given })), ...others].map(clearAt),
  };
}

const KINDS = ["access", "refresh"] as const;

/** `__Host-` is kept from other hosts by the browser itself; it allows no Domain, `__Secure-` does (RFC 6265bis, section 4.1.3). */
function namesBy(settings: CookieSettings): CookieNames {
  const guard = settings.AUTH_COOKIE_DOMAIN === undefined ? "__Host-" : "__Secure-";
  return prefixed((isHttps(settings.AUTH_ISSUER) ? guard : "") + settings.AUTH_COOKIE_NAME_PREFIX);
}

function prefixed(prefix: string): CookieNames {
  return { access: prefix + NAMES.access, refresh: prefix + NAMES.refresh };
}

function tokensNamed(headers: HeaderValues, names: CookieNames): CookieTokens {
  return { access: readCookies(headers, names.access), refresh: readCookies(headers, names.refresh), names };
}

/** The names of the cookies in the request, in its order and each once. */
export function cookieNames(headers: HeaderValues): readonly string[] {
  return [...new Set(pairsIn(headers).map((pair) => pair.split("=", 1)[0] ?? ""))];
}

/**
 * The last values of a cookie in the request, without empty ones (as after a logout) and repetitions. It looks for the name
 * alone: taking 90 KB of cookies apart took 20 ms, and several names are looked for in each request.
 */
export function readCookies(headers: HeaderValues, name: string): readonly string[] {
  const values = [headers["cookie"] ?? []].flat().flatMap((header) => valuesNamed(header, name));
  return [...new Set(values)].slice(-MAX_TRIED);
}

function valuesNamed(header: string, name: string): readonly string[] {
  const [prefix, values] = [`${name}=`, [] as string[]];
  for (let at = header.indexOf(prefix); at !== -1; at = header.indexOf(prefix, at + 1)) {
    if (!beginsPair(header, at)) continue;
    const end = header.indexOf(";", at);
    const value = header.slice(at + prefix.length, end === -1 ? undefined : end).trim();
    if (value !== "") values.push(value);
  }
  return values;
}

function beginsPair(header: string, at: number): boolean {
  let before = at - 1;
  while (header[before] === " " || header[before] === "\t") before -= 1;
  return before < 0 || header[before] === ";";
}

function pairsIn(headers: HeaderValues): readonly string[] {
  const pairs = [headers["cookie"] ?? []].flat().flatMap((header) => header.split(";", MAX_PAIRS));
  return pairs.map((pair) => pair.trim());
}

function countOf({ access, refresh }: CookieTokens): number {
  return access.length + refresh.length;
}

/** What a browser keeps cookies of one name apart by. */
interface CookiePlace {
  readonly domain: string | undefined;
  readonly isPartitioned: boolean;
}

interface NamedPlace extends CookiePlace {
  readonly name: string;
}

function createWriter(settings: CookieSettings) {
  const secure = isHttps(settings.AUTH_ISSUER) ? " Secure;" : "";
  const sameSite = { lax: "Lax", strict: "Strict", none: "None" }[settings.AUTH_COOKIE_SAME_SITE];
  return (name: string, token: string, maxAgeSeconds: number, { domain, isPartitioned }: CookiePlace): string => {
    const forDomain = domain === undefined ? "" : ` Domain=${domain};`;
    const partitioned = isPartitioned ? "; Partitioned" : "";
    const attributes = `Path=/;${forDomain} HttpOnly;${secure} SameSite=${sameSite}${partitioned}`;
    return `${name}=${token}; Max-Age=${maxAgeSeconds}; ${attributes}`;
  };
}

/** Where else a browser may keep tokens: given by the last release, or before a setting was changed. */
function placesBeside(
  settings: CookieSettings,
  kept: readonly CookieNames[],
  given: CookiePlace,
): readonly NamedPlace[] {
  const { AUTH_COOKIE_DOMAIN: domain, AUTH_COOKIE_NAME_PREFIX: prefix } = settings;
  const hostOnly = isHttps(settings.AUTH_ISSUER) ? [...kept, prefixed(`__Host-${prefix}`)] : kept;
  const places = new Map<string, NamedPlace>();
  for (const isPartitioned of settings.AUTH_COOKIE_SAME_SITE === "none" ? [false, true] : [false]) {
    for (const names of hostOnly) addPlaces(places, names, { domain: undefined, isPartitioned });
    if (domain !== undefined) for (const names of kept) addPlaces(places, names, { domain, isPartitioned });
  }
  const [today] = kept;
  if (today !== undefined) for (const kind of KINDS) places.delete(keyOf({ name: today[kind], ...given }));
  return [...places.values()];
}

function addPlaces(places: Map<string, NamedPlace>, names: CookieNames, place: CookiePlace): void {
  for (const kind of KINDS) {
    const named = { name: names[kind], ...place };
    places.set(keyOf(named), named);
  }
}

function keyOf({ name, domain, isPartitioned }: NamedPlace): string {
  return [name, domain, isPartitioned].join(" ");
}
