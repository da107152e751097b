import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encodeCertificate } from "./encode-certificate.ts";

/** A certificate, as PEM, and its private key. */
export interface Identity {
  readonly certificate: string;
  readonly key: KeyObject;
}

/** The services, and a gateway that asks policy about requests. */
const HOLDERS = ["auth", "policy", "publish", "stream", "gateway"];
const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3_650;
const SERVICE_DAYS = 365;
/** What has less than this left is made anew. */
const RENEW_BEFORE_DAYS = 30;

/**
 * Sees to it that `folder` holds an authority (`ca/`) and, in a folder of its own for each service and a gateway, a certificate for
 * `<name>.sluice` with its key and the authority's certificate. Valid ones stay; what is missing, broken or about to
 * expire is made anew, and with the authority everything it signed. Answers what it made.
 */
export async function makeCertificates(folder: string, now = new Date()): Promise<string[]> {
  const kept = await readAuthority(join(folder, "ca"), now);
  const authority = kept ?? (await createAuthority(now));
  if (kept === undefined) await writeFiles(join(folder, "ca"), filesOf(authority));
  const made = kept === undefined ? ["ca"] : [];
  for (const holder of HOLDERS) {
    if (await isGood(join(folder, holder), authority, now)) continue;
    const identity = await createIdentity(`${holder}.sluice`, authority, now);
    await writeFiles(join(folder, holder), { ...filesOf(identity), "ca.pem": authority.certificate });
    made.push(holder);
  }
  return made;
}

/** Makes an authority of our own, valid for ten years. */
export async function createAuthority(now: Date): Promise<Identity> {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const [subject, issuer] = ["Sluice CA", "Sluice CA"];
  const validity = { notBefore: hourBefore(now), notAfter: addDays(now, AUTHORITY_DAYS) };
  const fields = { subject, issuer, publicKey: keys.publicKey, use: "authority", ...validity } as const;
  return { certificate: await encodeCertificate(fields, keys), key: keys.privateKey };
}

/** Makes the identity of a service, signed by the authority and valid for `days`. */
export async function createIdentity(
  dnsName: string,
  authority: Identity,
  now: Date,
  days = SERVICE_DAYS,
): Promise<Identity> {
  const { publicKey, privateKey: key } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const [subject, issuer] = [dnsName, "Sluice CA"];
  const validity = { notBefore: hourBefore(now), notAfter: addDays(now, days) };
  const fields = { subject, issuer, publicKey, use: { dnsName }, ...validity };
  const issuerKeys = { publicKey: createPublicKey(authority.key), privateKey: authority.key };
  return { certificate: await encodeCertificate(fields, issuerKeys), key };
}

/** The files of an identity, by name. */
export function filesOf({ certificate, key }: Identity): Record<string, string> {
  return { "cert.pem": certificate, "key.pem": key.export({ type: "pkcs8", format: "pem" }) as string };
}

async function readAuthority(folder: string, now: Date): Promise<Identity | undefined> {
  const authority = await readIdentity(folder);
  // It must outlive whatever it signs today.
  return authority !== undefined && isValidFor(SERVICE_DAYS, authority, now) ? authority : undefined;
}

async function isGood(folder: string, authority: Identity, now: Date): Promise<boolean> {
  const identity = await readIdentity(folder);
  const trusted = await readFile(join(folder, "ca.pem"), "utf8").catch(() => undefined);
  if (identity === undefined || trusted !== authority.certificate) return false;
  const isSigned = new X509Certificate(identity.certificate).verify(new X509Certificate(trusted).publicKey);
  return isSigned && isValidFor(RENEW_BEFORE_DAYS, identity, now);
}

/** The identity in the folder; undefined when it is missing, cannot be read, or its two halves do not belong together. */
async function readIdentity(folder: string): Promise<Identity | undefined> {
  try {
    const certificate = await readFile(join(folder, "cert.pem"), "utf8");
    const key = createPrivateKey(await readFile(join(folder, "key.pem")));
    return new X509Certificate(certificate).checkPrivateKey(key) ? { certificate, key } : undefined;
  } catch {
    return undefined;
  }
}

function isValidFor(days: number, { certificate }: Identity, now: Date): boolean {
  return new X509Certificate(certificate).validToDate > addDays(now, days);
}

/** Each file is replaced in one step and its key can be read by its owner alone. */
async function writeFiles(folder: string, files: Record<string, string>): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(files)) {
    const fresh = join(folder, `${name}.new`);
    await writeFile(fresh, text, { mode: name === "key.pem" ? 0o600 : 0o644 });
    await rename(fresh, join(folder, name));
  }
}

function addDays(date: Date, days: number): Date {
  return new Date(date.getTime() + days * DAY_MS);
}

/** Clocks of two machines are never quite the same. */
function hourBefore(date: Date): Date {
  return new Date(date.getTime() - 3_600_000);
}
