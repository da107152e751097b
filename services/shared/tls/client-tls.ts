import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { BootError } from "#shared/config/read-config.ts";

/** A file, and the setting that names it; undefined where it names none. */
export interface ClientTlsFile {
  readonly setting: string;
  readonly path: string | undefined;
}

/** The files by which a client of a server knows the server, and shows who it is itself. */
export interface ClientTlsFiles {
  readonly authorities: ClientTlsFile;
  readonly certificate: ClientTlsFile;
  readonly privateKey: ClientTlsFile;
}

/** The content of the files, in PEM, by the names of node:tls. */
export interface ClientTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/**
 * Reads the files.
 * @throws {BootError} when one cannot be read or is not what it should be, or a certificate and a key are not a pair.
 */
export async function readClientTls(files: ClientTlsFiles): Promise<ClientTls> {
  const { authorities, certificate, privateKey } = files;
  requirePair(files);
  const ca = await read(authorities, (pem) => new X509Certificate(pem));
  const cert = await read(certificate, (pem) => new X509Certificate(pem));
  const key = await read(privateKey, (pem) => createPrivateKey(pem));
  if (cert && key && !cert.parsed.checkPrivateKey(key.parsed)) {
    throw new BootError(`${privateKey.setting}: ${privateKey.path} is not the key of ${certificate.path}`);
  }
  return { ...(ca && { ca: ca.pem }), ...(cert && { cert: cert.pem }), ...(key && { key: key.pem }) };
}

/** @throws {BootError} when of a certificate and its key one is set alone. */
export function requirePair({ certificate, privateKey }: Pick<ClientTlsFiles, "certificate" | "privateKey">): void {
  if ((certificate.path === undefined) === (privateKey.path === undefined)) return;
  throw new BootError(`${certificate.setting} and ${privateKey.setting} are set together or not at all`);
}

async function read<Parsed>({ setting, path }: ClientTlsFile, parse: (pem: string) => Parsed) {
  if (path === undefined) return undefined;
  const pem = await readFile(path, "utf8").catch(({ code }: NodeJS.ErrnoException) => {
    throw new BootError(`${setting}: ${path} cannot be read (${code})`);
  });
  try {
    return { pem, parsed: parse(pem) };
  } catch {
    throw new BootError(`${setting}: ${path} is not what it should be, in PEM`);
  }
}
