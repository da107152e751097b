import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto";

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

const SEQUENCE = 0x30;
const SET = 0x31;
const BOOLEAN = 0x01;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const GENERALIZED_TIME = 0x18;
const UTC_TIME = 0x17;
/** A context-specific tag whose content is made of other elements. */
const EXPLICIT = 0xa0;
const DNS_NAME = 0x82;
const KEY_IDENTIFIER = 0x80;

const oid = (hex: string): Buffer => der(OBJECT_IDENTIFIER, Buffer.from(hex, "hex"));
const TRUE = der(BOOLEAN, Buffer.of(0xff));
/** 1.2.840.10045.4.3.2, without parameters (RFC 5758, section 3.2). */
const ECDSA_WITH_SHA256 = der(SEQUENCE, oid("2a8648ce3d040302"));
const COMMON_NAME = oid("550403");
const SUBJECT_KEY_IDENTIFIER = oid("551d0e");
const KEY_USAGE = oid("551d0f");
const SUBJECT_ALT_NAME = oid("551d11");
const BASIC_CONSTRAINTS = oid("551d13");
const AUTHORITY_KEY_IDENTIFIER = oid("551d23");
const EXTENDED_KEY_USAGE = oid("551d25");
const SERVER_AUTH = oid("2b06010505070301");
const CLIENT_AUTH = oid("2b06010505070302");

/** Makes an X.509 v3 certificate (RFC 5280, section 4.1), signed ES256 with the issuer's key, as PEM. */
export function encodeCertificate(fields: CertificateFields, issuerKey: KeyObject): string {
  const { subject, issuer, publicKey, notBefore, notAfter, use } = fields;
  const signed = der(
    SEQUENCE,
    der(EXPLICIT, der(INTEGER, Buffer.of(2))),
    der(INTEGER, serialNumber()),
    ECDSA_WITH_SHA256,
    name(issuer),
    der(SEQUENCE, time(notBefore), time(notAfter)),
    name(subject),
    spki(publicKey),
    der(
      EXPLICIT + 3,
      der(
        SEQUENCE,
        ...(use === "authority" ? authorityExtensions() : leafExtensions(use.dnsName)),
        extension(SUBJECT_KEY_IDENTIFIER, der(OCTET_STRING, keyIdentifier(publicKey))),
        extension(
          AUTHORITY_KEY_IDENTIFIER,
          der(SEQUENCE, der(KEY_IDENTIFIER, keyIdentifier(createPublicKey(issuerKey)))),
        ),
      ),
    ),
  );
  const certificate = der(SEQUENCE, signed, ECDSA_WITH_SHA256, bits(sign("sha256", signed, issuerKey)));
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function authorityExtensions(): Buffer[] {
  // cA, and a path of length 0: it signs the services' certificates and no further authority.
  const constraints = der(SEQUENCE, TRUE, der(INTEGER, Buffer.of(0)));
  const signsCertificates = der(BIT_STRING, Buffer.of(2, 0b0000_0100));
  return [extension(BASIC_CONSTRAINTS, constraints, TRUE), extension(KEY_USAGE, signsCertificates, TRUE)];
}

function leafExtensions(dnsName: string): Buffer[] {
  const signs = der(BIT_STRING, Buffer.of(7, 0b1000_0000));
  return [
    extension(BASIC_CONSTRAINTS, der(SEQUENCE), TRUE),
    extension(KEY_USAGE, signs, TRUE),
    extension(EXTENDED_KEY_USAGE, der(SEQUENCE, SERVER_AUTH, CLIENT_AUTH)),
    extension(SUBJECT_ALT_NAME, der(SEQUENCE, der(DNS_NAME, Buffer.from(dnsName)))),
  ];
}

function extension(id: Buffer, value: Buffer, ...critical: Buffer[]): Buffer {
  return der(SEQUENCE, id, ...critical, der(OCTET_STRING, value));
}

/** 160 bits of the key's hash (RFC 7093, section 2). */
function keyIdentifier(publicKey: KeyObject): Buffer {
  return createHash("sha256").update(spki(publicKey)).digest().subarray(0, 20);
}

function spki(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: "spki", format: "der" });
}

function name(commonName: string): Buffer {
  return der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, Buffer.from(commonName)))));
}

/** Positive, and with a first byte that is not zero, as DER wants an INTEGER. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f);
  return bytes;
}

/** UTCTime through 2049, GeneralizedTime from 2050 (RFC 5280, section 4.1.2.5). */
function time(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return date.getUTCFullYear() < 2050
    ? der(UTC_TIME, Buffer.from(digits.slice(2)))
    : der(GENERALIZED_TIME, Buffer.from(digits));
}

function bits(content: Buffer): Buffer {
  return der(BIT_STRING, Buffer.of(0), content);
}

function der(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.of(tag, body.length), body]);
  const length = body.length < 0x100 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), body]);
}
