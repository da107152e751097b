import { connect } from "node:net";
import { errors } from "@nats-io/transport-node";
import type { ServerAddress } from "#shared/config/server-urls.ts";
import type { NatsSettings } from "#shared/config/nats-settings.ts";

/** How long a server may take for its first line. */
const FIRST_LINE_MS = 2_000;

/** What a server says of itself before anybody has logged in (INFO of the client protocol). */
interface ServerInfo {
  readonly tls_verify?: boolean;
}

const MISSING_CERTIFICATE = "the server asks for a client's certificate: set NATS_TLS_CERT_FILE and NATS_TLS_KEY_FILE";

const SILENT =
  "something takes connections there and says nothing: check the port in NATS_URL, and set NATS_TLS_FIRST=1 where the server begins with TLS";

/** What to do about an error of the client, by its words; the first that fits. */
const ADVICE: readonly { readonly when: RegExp; readonly advice: string }[] = [
  { when: /ENOTFOUND|EAI_AGAIN/, advice: "nobody knows that name: check the host in NATS_URL" },
  { when: /refused|ECONNREFUSED/i, advice: "nothing listens there: check NATS_URL and that the server runs" },
  {
    when: /does not support 'tls'|wrong version number/,
    advice: "the server does not speak TLS: begin NATS_URL with nats:// and unset NATS_TLS_*",
  },
  {
    when: /certificate required|bad certificate|handshake failure/i,
    advice: MISSING_CERTIFICATE,
  },
  {
    when: /unable to verify|self-signed|issuer|UNABLE_TO/i,
    advice: "no known authority signed the server's certificate: set NATS_TLS_CA_FILE to the one that did",
  },
  {
    when: /altname|certificate/i,
    advice: "the server's certificate does not fit: check the host in NATS_URL and NATS_TLS_CA_FILE",
  },
];

/** Says in words what a failure to connect means, and what to do. */
export async function explainFailure(error: Error, settings: NatsSettings): Promise<string> {
  if (error instanceof errors.UserAuthenticationExpiredError)
    return "the credentials have expired: check NATS_CREDS_FILE";
  if (error instanceof errors.AuthorizationError) {
    const { user } = settings.NATS_URL;
    const who = user === undefined ? "who the service is" : `the user ${user} or its password`;
    return `the server does not accept ${who}: check NATS_URL, or NATS_CREDS_FILE or NATS_NKEY_FILE where one is set`;
  }
  const { code = "" } = error as NodeJS.ErrnoException;
  const known = ADVICE.find(({ when }) => when.test(`${code} ${error.message}`));
  return known?.advice ?? (await explainSilence(settings)) ?? "check NATS_URL and that the server runs";
}

/** Says so where the servers ask for a certificate that the service does not have: the client only waits then. */
export async function findMissingCertificate({ NATS_URL, ...settings }: NatsSettings): Promise<string | undefined> {
  if (settings.NATS_TLS_CERT_FILE !== undefined) return undefined;
  const infos = await Promise.all(NATS_URL.servers.map(readInfo));
  return infos.some((info) => info?.tls_verify === true) ? MISSING_CERTIFICATE : undefined;
}

async function explainSilence(settings: NatsSettings): Promise<string | undefined> {
  const infos = await Promise.all(settings.NATS_URL.servers.map(readInfo));
  if (infos.some((info) => info !== undefined)) return findMissingCertificate(settings);
  return settings.NATS_TLS_FIRST === "1" ? undefined : SILENT;
}

/** Reads the first line of a server; undefined when none comes that is INFO. */
function readInfo({ host, port }: ServerAddress): Promise<ServerInfo | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let said = "";
    const end = (info?: ServerInfo): void => {
      socket.destroy();
      resolve(info);
    };
    socket.setTimeout(FIRST_LINE_MS, () => end());
    socket.on("error", () => end()).on("close", () => end());
    socket.on("data", (bytes: Buffer) => {
      said += bytes.toString("latin1");
      if (said.length > 65_536 || !said.startsWith("INFO ".slice(0, said.length))) end();
      const line = /^INFO (\{.*\})\s*\r\n/.exec(said)?.[1];
      if (line !== undefined) end(parseInfo(line));
    });
  });
}

function parseInfo(line: string): ServerInfo | undefined {
  try {
    return JSON.parse(line) as ServerInfo;
  } catch {
    return undefined;
  }
}
