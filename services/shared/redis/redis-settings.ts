import { z } from "zod";
import { parsedBy, parseServerUrls, type ServerAddress } from "#shared/config/server-urls.ts";

/** Where Redis is and who a service is there. */
export interface RedisTarget {
  /** The server; with `master` the Sentinels that know it. */
  readonly servers: readonly [ServerAddress, ...ServerAddress[]];
  /** The name that the Sentinels know the primary by. */
  readonly master: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly isTls: boolean;
}

const PORTS = { redis: 6379, rediss: 6379, "redis+sentinel": 26379, "rediss+sentinel": 26379 };

const DATABASE = /^\d{1,5}$/;

const redisUrlSchema = z.string().transform(parsedBy(parseRedisUrl));

const REDIS_URL_HELP = { example: "redis://user:password@host:6379/0", see: "operate/redis.md" };

/** How a service reaches Redis. */
export const redisSettings = {
  REDIS_URL: redisUrlSchema.meta({
    description: "where Redis is, and the service's user there; `rediss://` for TLS, `redis+sentinel://…/primary/0`",
    ...REDIS_URL_HELP,
  }),
  REDIS_SENTINEL_USERNAME: z.string().optional().describe("the service's user at the Sentinels, where they ask"),
  REDIS_SENTINEL_PASSWORD: z
    .string()
    .optional()
    .meta({ description: "the password of the user `REDIS_SENTINEL_USERNAME` at the Sentinels", secret: true }),
  REDIS_TLS_CA_FILE: z
    .string()
    .optional()
    .describe("the authorities one of which Redis has its certificate from, in PEM; without it those that Node knows"),
  REDIS_TLS_CERT_FILE: z.string().optional().describe("the certificate that the service shows to Redis, in PEM"),
  REDIS_TLS_KEY_FILE: z.string().optional().describe("the key of the certificate in `REDIS_TLS_CERT_FILE`, in PEM"),
};

/** The same for a service that does without, and then keeps to its share of the limits. */
export const sharedLimitsRedisSettings = {
  ...redisSettings,
  REDIS_URL: redisUrlSchema.optional().meta({
    description: "where all processes of the service count together; without it each keeps to its share of the limits",
    ...REDIS_URL_HELP,
  }),
};

const schema = z.object(redisSettings);

/** The settings of Redis, parsed. */
export type RedisSettings = Readonly<z.infer<typeof schema>>;

/**
 * Reads `REDIS_URL`.
 * @throws {Error} saying what is wrong with it.
 */
export function parseRedisUrl(text: string): RedisTarget {
  const { scheme, user, password, servers, path } = parseServerUrls(text, PORTS);
  const isSentinel = scheme.endsWith("+sentinel");
  const [master, database = "0", ...rest] = isSentinel
    ? path.split("/")
    : [undefined, ...(path === "" ? [] : path.split("/"))];
  if (isSentinel && !master) throw new Error("must name the primary behind the Sentinels: …/mymaster or …/mymaster/0");
  if (!isSentinel && servers.length > 1) {
    throw new Error("names several servers: one primary, or its Sentinels as redis+sentinel://…/mymaster");
  }
  if (rest.length > 0 || !DATABASE.test(database))
    throw new Error("must end with the number of a database, such as /0");
  const isTls = scheme.startsWith("rediss");
  return { servers, master, user, password, database: Number(database), isTls };
}
