import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { BootError } from "#shared/config/read-config.ts";

/** A file, and the setting that names it. */
interface TlsFile {
  readonly setting: string;
  readonly path: string;
}

/** Where a service's certificate, its key and the authorities whose certificates it believes are. */
export interface TlsFiles {
  readonly certificate: TlsFile;
  readonly privateKey: TlsFile;
  readonly authorities: TlsFile;
}

/** The settings that name the files. */
export type TlsFileSettings = Readonly<Record<keyof TlsFiles, string>>;

/** The files' content, in PEM; it was seen to belong together. */
export type TlsMaterial = Readonly<Record<keyof TlsFiles, Buffer>>;

/**
 * The files that the settings name; undefined when they name none. `others` are set with them or not at all.
 * @throws {BootError} when some are set: half of TLS must not be taken for none.
 */
export function tlsFilesOf(
  settings: Readonly<Record<string, unknown>>,
  names: TlsFileSettings,
  others: readonly string[] = [],
): TlsFiles | undefined {
  const all = [...others, ...Object.values(names)];
  const missing = all.filter((setting) => settings[setting] === undefined);
  if (missing.length === all.length) return undefined;
  if (missing.length > 0) {
    throw new BootError(`${all.join(", ")} are set together or not at all; set ${missing.join(", ")}`);
  }
  const fileOf = (setting: string): TlsFile => ({ setting, path: String(settings[setting]) });
  return {
    certificate: fileOf(names.certificate),
    privateKey: fileOf(names.privateKey),
    authorities: fileOf(names.authorities),
  };
}

/**
 * Reads the files.
 * @throws {BootError} when one cannot be read or is not what it should be, the key is another certificate's, the
 * certificate's time has not come or is over, or where a `name` is given, no authority signed it or it is not for that name.
 */
export async function readTlsMaterial(files: TlsFiles, name?: string, now = Date.now()): Promise<TlsMaterial> {
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
  if (name !== undefined) requireIdentity(files, name, chain, trusted);
  return { certificate, privateKey, authorities };
}

/** Whether both hold the same. */
export function isSameMaterial(one: TlsMaterial, other: TlsMaterial): boolean {
  const parts = ["certificate", "privateKey", "authorities"] as const;
  return parts.every((part) => one[part].equals(other[part]));
}

/** Whether the certificate is for that DNS name, written out: a wildcard names nobody. */
export function isNamed(certificate: X509Certificate, name: string): boolean {
  return certificate.checkHost(name, { wildcards: false }) !== undefined;
}

/** The names in a certificate, for a person to read. */
export function namesOf(certificate: X509Certificate): string {
  return certificate.subjectAltName ?? certificate.subject;
}

function requireIdentity(files: TlsFiles, name: string, chain: Certificates, trusted: Certificates): void {
  const [leaf] = chain;
  const top = chain.at(-1) ?? leaf;
  if (!trusted.some((authority) => top.checkIssued(authority) && top.verify(authority.publicKey)))
    throw fault(files, "certificate", `was signed by no authority of ${files.authorities.setting}`);
  if (!isNamed(leaf, name)) throw fault(files, "certificate", `is not for ${name}, but for ${namesOf(leaf)}`);
}

async function read(files: TlsFiles, part: keyof TlsFiles): Promise<Buffer> {
  try {
    return await readFile(files[part].path);
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

type Certificates = [X509Certificate, ...X509Certificate[]];

function parseCertificates(pem: Buffer): Certificates {
  const blocks = pem.toString("latin1").match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const [first, ...others] = blocks.map((block) => new X509Certificate(block));
  if (first === undefined) throw new Error("there is no certificate in it");
  return [first, ...others];
}

function fault(files: TlsFiles, part: keyof TlsFiles, what: string): BootError {
  return new BootError(`${files[part].setting}: ${files[part].path} ${what}`);
}
