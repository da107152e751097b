import { z } from "zod";
import { parsedBy, parseServerUrls, type ServerUrls } from "./server-urls.ts";

const PORTS = { nats: 4222, tls: 4222 };

/** How a service finds NATS, and how it shows who it is. */
export const natsSettings = {
  NATS_URL: z.string().transform(parsedBy(parseNatsUrl)).meta({
    description: "where NATS is, and the service's user there; `tls://` where the server must speak TLS",
    example: "nats://user:password@host:4222,host:4222",
    see: "operate/nats.md",
  }),
  NATS_CREDS_FILE: z
    .string()
    .optional()
    .describe("a file with a user's JWT and its seed, in place of a user in the URL; read again at each connection"),
  NATS_NKEY_FILE: z
    .string()
    .optional()
    .describe("a file with the seed of an NKey (`SU…`), in place of a user in the URL; read again at each connection"),
  NATS_TLS_CA_FILE: z
    .string()
    .optional()
    .describe("the authorities one of which NATS has its certificate from, in PEM; without it those that Node knows"),
  NATS_TLS_CERT_FILE: z.string().optional().describe("the certificate that the service shows to NATS, in PEM"),
  NATS_TLS_KEY_FILE: z.string().optional().describe("the key of the certificate in `NATS_TLS_CERT_FILE`, in PEM"),
  NATS_TLS_FIRST: z
    .enum(["0", "1"])
    .default("0")
    .describe("`1` for a server that speaks TLS from the first byte on (`handshake_first`)"),
};

/** The settings of NATS, parsed. */
export type NatsSettings = Readonly<z.infer<z.ZodObject<typeof natsSettings>>>;

/**
 * Reads `NATS_URL`.
 * @throws {Error} saying what is wrong with it.
 */
function parseNatsUrl(text: string): ServerUrls {
  const urls = parseServerUrls(text, PORTS);
  if (urls.path !== "") throw new Error("has a path, which means nothing to NATS; end it after the last port");
  if (urls.user !== undefined && urls.password === undefined) {
    throw new Error("names a user without a password: user:password@host:port");
  }
  return urls;
}
