// tsyringe, which the library builds on, wants it first.
import "reflect-metadata";
import { type KeyObject, randomBytes } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** What a certificate says. Names are common names; keys are of the curve P-256. */
export interface CertificateFields {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** An authority signs certificates; any other certificate is for both ends of a TLS connection, under this DNS name. */
  readonly use: "authority" | { readonly dnsName: string };
}

/** A pair of keys, of the curve P-256. */
export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const P256 = { name: "ECDSA", namedCurve: "P-256" };

/** Makes an X.509 v3 certificate (RFC 5280, section 4.1), signed ES256 with the issuer's key, as PEM. */
export async function encodeCertificate(fields: CertificateFields, issuer: KeyPair): Promise<string> {
  const { notBefore, notAfter, use } = fields;
  const publicKey = fields.publicKey.toCryptoKey(P256, true, ["verify"]);
  const issuerKey = issuer.publicKey.toCryptoKey(P256, true, ["verify"]);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: randomBytes(16).toString("hex"),
    subject: [{ CN: [fields.subject] }],
    issuer: [{ CN: [fields.issuer] }],
    notBefore,
    notAfter,
    publicKey,
    signingKey: issuer.privateKey.toCryptoKey(P256, true, ["sign"]),
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    extensions: [
      ...(use === "authority" ? authorityExtensions() : leafExtensions(use.dnsName)),
      await SubjectKeyIdentifierExtension.create(publicKey),
      await AuthorityKeyIdentifierExtension.create(issuerKey),
    ],
  });
  return `${certificate.toString("pem")}\n`;
}

function authorityExtensions(): Extension[] {
  // A path of length 0: it signs the services' certificates and no further authority.
  return [new BasicConstraintsExtension(true, 0, true), new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true)];
}

function leafExtensions(dnsName: string): Extension[] {
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
    new SubjectAlternativeNameExtension([{ type: "dns", value: dnsName }]),
  ];
}
