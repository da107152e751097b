import { z } from "zod";

/** A server of a URL, as it stands there. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** Where servers are and who logs in there. Characters are decoded; what the URL does not say is undefined. */
export interface ServerUrls {
  /** Without `://`. */
  readonly scheme: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly servers: readonly [ServerAddress, ...ServerAddress[]];
  /** What follows the servers, without the slash before it. */
  readonly path: string;
}

/** The schemes that a setting takes, and the port of each where the URL has none. */
export type SchemePorts = Readonly<Record<string, number>>;

const URLS = /^(?<scheme>[a-z+]+):\/\/(?<servers>[^/?#\s]+)(?:\/(?<path>[^?#\s]*))?$/;

const SERVER =
  /^(?:(?<user>[^:@]*)(?::(?<password>[^@]*))?@)?(?<host>\[[0-9A-Fa-f:.]+\]|[^:@[\]]+)(?::(?<port>\d{1,5}))?$/;

/**
 * Reads `scheme://user:password@host:port/path`, with several servers separated by commas: each with its own scheme and user
 * like the first, or without. The platform's URL takes one server only, and a password with a `%` in it as it stands.
 * @throws {Error} saying what is wrong, never with the password.
 */
export function parseServerUrls(text: string, schemes: SchemePorts): ServerUrls {
  const [scheme = "", rest = ""] = text.split(/:\/\/(.*)/s, 2);
  const port = Object.hasOwn(schemes, scheme) ? schemes[scheme] : undefined;
  if (port === undefined)
    throw new Error(`must begin with ${listOf(Object.keys(schemes).map((each) => `${each}://`))}`);
  const groups = URLS.exec(`${scheme}://${rest.replaceAll(`,${scheme}://`, ",")}`)?.groups;
  const [first, ...others] = groups?.["servers"]?.split(",").map((each) => parseServer(each, port)) ?? [];
  if (first === undefined) throw new Error(FORM);
  const users = [first, ...others].filter(({ user, password }) => user !== undefined || password !== undefined);
  const isOne = users.every(({ user, password }) => user === users[0]?.user && password === users[0]?.password);
  if (!isOne) throw new Error("must name the same user and password for each server, or name them once");
  return {
    scheme,
    user: users[0]?.user,
    password: users[0]?.password,
    servers: [addressOf(first), ...others.map(addressOf)],
    path: decode(groups?.["path"] ?? ""),
  };
}

const FORM =
  "is not user:password@host:port behind its ://; write special characters of a password percent-encoded, such as %40 for @, %2F for / and %25 for %";

interface Server extends ServerAddress {
  readonly user: string | undefined;
  readonly password: string | undefined;
}

function parseServer(text: string, defaultPort: number): Server {
  const { user, password, host, port } = SERVER.exec(text)?.groups ?? {};
  if (host === undefined) throw new Error(FORM);
  if (Number(port ?? defaultPort) > 65_535) throw new Error(`has the port ${port}, which is more than 65535`);
  return {
    user: user === undefined || user === "" ? undefined : decode(user),
    password: password === undefined ? undefined : decode(password),
    host: host.replaceAll(/^\[|\]$/g, ""),
    port: Number(port ?? defaultPort),
  };
}

function addressOf({ host, port }: Server): ServerAddress {
  return { host, port };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error("has a % that is not followed by two hexadecimal digits; write a % itself as %25");
  }
}

function listOf(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** A server's address for people: `host:port`, with brackets around an IPv6 host. */
export function formatAddress({ host, port }: ServerAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A transformation for a setting: an error of `parse` becomes what is wrong with the setting. */
export function parsedBy<Parsed>(parse: (text: string) => Parsed) {
  return (text: string, context: z.RefinementCtx): Parsed => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
      return z.NEVER;
    }
  };
}
