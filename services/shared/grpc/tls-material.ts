import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { BootError } from "#shared/config/read-config.ts";
import type { GrpcTlsSettings } from "./tls-settings.ts";

/** Where a service's certificate, its key and the authorities are. */
export interface TlsFiles {
  readonly certificate: string;
  readonly privateKey: string;
  readonly authorities: string;
}

/** The files' content, in PEM; it was seen to belong together. */
export type TlsMaterial = Readonly<Record<keyof TlsFiles, Buffer>>;

const settingOf = {
  certificate: "GRPC_TLS_CERT_FILE",
  privateKey: "GRPC_TLS_KEY_FILE",
  authorities: "GRPC_TLS_CA_FILE",
} as const satisfies Record<keyof TlsFiles, keyof GrpcTlsSettings>;

/**
 * The files that the settings name; undefined when they name none.
 * @throws {BootError} when they name some of them: half of TLS must not be taken for none.
 */
export function tlsFilesOf(settings: GrpcTlsSettings): TlsFiles | undefined {
  const missing = Object.values(settingOf).filter((setting) => settings[setting] === undefined);
  if (missing.length === 3) return undefined;
  const { GRPC_TLS_CERT_FILE: certificate, GRPC_TLS_KEY_FILE: privateKey, GRPC_TLS_CA_FILE: authorities } = settings;
  if (certificate !== undefined && privateKey !== undefined && authorities !== undefined) {
    return { certificate, privateKey, authorities };
  }
  throw new BootError(
    `${Object.values(settingOf).join(", ")} are set together or not at all; set ${missing.join(", ")}`,
  );
}

/**
 * Reads the files.
 * @throws {BootError} when one cannot be read or is not what it should be, the key is another certificate's, no authority
 * signed the certificate, its time has not come or is over, or it is not for `name`.
 */
export async function readTlsMaterial(files: TlsFiles, name: string, now = Date.now()): Promise<TlsMaterial> {
  const [certificate, privateKey, authorities] = await Promise.all([
    read(files, "certificate"),
    read(files, "privateKey"),
    read(files, "authorities"),
  ]);
  const chain = parse(files, "certificate", () => parseCertificates(certificate));
  const key = parse(files, "privateKey", () => createPrivateKey(privateKey));
  const trusted = parse(files, "authorities", () => parseCertificates(authorities));
  const [leaf] = chain;
  if (!leaf.checkPrivateKey(key)) throw fault(files, "privateKey", "is not the key of the certificate");
  if (now > leaf.validToDate.getTime()) throw fault(files, "certificate", `expired on ${leaf.validTo}`);
  if (now < leaf.validFromDate.getTime()) throw fault(files, "certificate", `is valid from ${leaf.validFrom} on`);
  const top = chain.at(-1) ?? leaf;
  if (!trusted.some((authority) => top.checkIssued(authority) && top.verify(authority.publicKey)))
    throw fault(files, "certificate", `was signed by no authority of ${settingOf.authorities}`);
  if (!isNamed(leaf, name)) throw fault(files, "certificate", `is not for ${name}, but for ${namesOf(leaf)}`);
  return { certificate, privateKey, authorities };
}

/** Whether the certificate is for that DNS name, written out: a wildcard names nobody. */
export function isNamed(certificate: X509Certificate, name: string): boolean {
  return certificate.checkHost(name, { wildcards: false }) !== undefined;
}

/** The names in a certificate, for a person to read. */
export function namesOf(certificate: X509Certificate): string {
  return certificate.subjectAltName ?? certificate.subject;
}

async function read(files: TlsFiles, part: keyof TlsFiles): Promise<Buffer> {
  try {
    return await readFile(files[part]);
  } catch (error) {
    throw fault(files, part, `cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function parse<T>(files: TlsFiles, part: keyof TlsFiles, parsing: () => T): T {
  try {
    return parsing();
  } catch {
    throw fault(files, part, "is not what it should be, in PEM");
  }
}

function parseCertificates(pem: Buffer): [X509Certificate, ...X509Certificate[]] {
  const blocks = pem.toString("latin1").match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const [first, ...others] = blocks.map((block) => new X509Certificate(block));
  if (first === undefined) throw new Error("there is no certificate in it");
  return [first, ...others];
}

function fault(files: TlsFiles, part: keyof TlsFiles, what: string): BootError {
  return new BootError(`${settingOf[part]}: ${files[part]} ${what}`);
}
