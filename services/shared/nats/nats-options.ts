import { readFileSync } from "node:fs";
import {
  type Authenticator,
  type ConnectionOptions,
  credsAuthenticator,
  nkeyAuthenticator,
} from "@nats-io/transport-node";
import { BootError } from "#shared/config/read-config.ts";
import { formatAddress } from "#shared/config/server-urls.ts";
import { isName } from "#shared/protocol/names.ts";
import { type ClientTlsFiles, readClientTls, requirePair } from "#shared/tls/client-tls.ts";
import type { NatsSettings } from "#shared/config/nats-settings.ts";

/** What the client of NATS needs for these settings: where, who, and by which certificates. */
export type NatsTarget = Pick<ConnectionOptions, "servers" | "user" | "pass" | "authenticator" | "inboxPrefix" | "tls">;

/**
 * The target that the settings name. Replies arrive under `_INBOX.<user>`, which is all that the user may subscribe to; a user
 * without such a name, with credentials or an NKey, takes that of the service.
 * @throws {BootError} when a file cannot be used, or two settings say who the service is.
 */
export async function natsTargetOf(settings: NatsSettings, service: string): Promise<NatsTarget> {
  const { user, password, servers } = settings.NATS_URL;
  const authenticator = authenticatorOf(settings);
  const isAnonymous = user === undefined && password === undefined && authenticator === undefined;
  const tls = await tlsOf(settings);
  return {
    servers: servers.map(formatAddress),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { pass: password }),
    ...(authenticator && { authenticator }),
    ...(isAnonymous ? {} : { inboxPrefix: `_INBOX.${user !== undefined && isName(user) ? user : service}` }),
    ...(tls && { tls }),
  };
}

/** @throws {BootError} when two settings say who the service is. */
function requireOneIdentity({ NATS_CREDS_FILE: creds, NATS_NKEY_FILE: nkey, NATS_URL: url }: NatsSettings): void {
  const named = [
    ...(url.user === undefined ? [] : ["the user in NATS_URL"]),
    ...(creds === undefined ? [] : ["NATS_CREDS_FILE"]),
    ...(nkey === undefined ? [] : ["NATS_NKEY_FILE"]),
  ];
  if (named.length > 1) throw new BootError(`${named.join(" and ")} both say who the service is; set one`);
}

/**
 * Makes sure that the settings of NATS go together.
 * @throws {BootError} where they do not.
 */
export function requireNatsSettings(settings: NatsSettings): void {
  requireOneIdentity(settings);
  requirePair(tlsFilesOf(settings));
}

/** Who the service is by a file; the file is read at each connection, as what is in it may expire. */
function authenticatorOf(settings: NatsSettings): Authenticator | undefined {
  const { NATS_CREDS_FILE: creds, NATS_NKEY_FILE: nkey } = settings;
  requireOneIdentity(settings);
  if (creds !== undefined) {
    const read = () => readSecret("NATS_CREDS_FILE", creds, /BEGIN NATS USER JWT[^]*BEGIN USER NKEY SEED/);
    read();
    return credsAuthenticator(() => Buffer.from(read()));
  }
  if (nkey === undefined) return undefined;
  const read = () => /\bSU[A-Z2-7]{56}\b/.exec(readSecret("NATS_NKEY_FILE", nkey, /\bSU[A-Z2-7]{56}\b/))?.[0] ?? "";
  read();
  return nkeyAuthenticator(() => Buffer.from(read()));
}

function readSecret(setting: string, path: string, form: RegExp): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new BootError(`${setting}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  if (form.test(text)) return text;
  throw new BootError(
    `${setting}: ${path} is not what nsc writes: ${setting === "NATS_NKEY_FILE" ? "a seed, SU…" : "a user's JWT and seed"}`,
  );
}

/** The client reads the files at each connection; here they are read once, so that the start says what is wrong with them. */
async function tlsOf(settings: NatsSettings): Promise<ConnectionOptions["tls"]> {
  const { NATS_TLS_CA_FILE: caFile, NATS_TLS_CERT_FILE: certFile, NATS_TLS_KEY_FILE: keyFile } = settings;
  const files = { ...(caFile && { caFile }), ...(certFile && { certFile }), ...(keyFile && { keyFile }) };
  const isFirst = settings.NATS_TLS_FIRST === "1";
  if (settings.NATS_URL.scheme !== "tls" && !isFirst && Object.keys(files).length === 0) return undefined;
  await readClientTls(tlsFilesOf(settings));
  return { ...files, ...(isFirst ? { handshakeFirst: true } : {}) };
}

function tlsFilesOf(settings: NatsSettings): ClientTlsFiles {
  return {
    authorities: { setting: "NATS_TLS_CA_FILE", path: settings.NATS_TLS_CA_FILE },
    certificate: { setting: "NATS_TLS_CERT_FILE", path: settings.NATS_TLS_CERT_FILE },
    privateKey: { setting: "NATS_TLS_KEY_FILE", path: settings.NATS_TLS_KEY_FILE },
  };
}
