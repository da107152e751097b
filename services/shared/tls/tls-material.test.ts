import { rm, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { grpcTlsFiles } from "#shared/grpc/tls-settings.ts";
import { createTestCertificates, type TestCertificates, type TlsEnvironment } from "#test/support/tls.ts";
import { readTlsMaterial, tlsFilesOf } from "./tls-material.ts";

const DAY_MS = 86_400_000;
let certificates: TestCertificates;
let settings: TlsEnvironment;

beforeEach(async () => {
  certificates = await createTestCertificates();
  settings = await certificates.issue("auth");
});

afterEach(() => certificates[Symbol.asyncDispose]());

function read(now?: number) {
  const files = tlsFilesOf({ ...settings }, grpcTlsFiles);
  if (files === undefined) throw new Error("there is no TLS");
  return readTlsMaterial(files, "auth.sluice", now);
}

test("no settings mean no TLS, and some of them are refused with the names of the others", () => {
  const { GRPC_TLS_CERT_FILE, ...others } = settings;
  expect(tlsFilesOf({}, grpcTlsFiles)).toBeUndefined();
  expect(() => tlsFilesOf({ GRPC_TLS_CERT_FILE }, grpcTlsFiles)).toThrow("set GRPC_TLS_KEY_FILE, GRPC_TLS_CA_FILE");
  expect(() => tlsFilesOf(others, grpcTlsFiles)).toThrow("set GRPC_TLS_CERT_FILE");
});

test("files that belong together are read", async () => {
  expect((await read()).certificate.toString()).toContain("BEGIN CERTIFICATE");
});

test.each(["GRPC_TLS_CERT_FILE", "GRPC_TLS_KEY_FILE", "GRPC_TLS_CA_FILE"] as const)(
  "%s that is missing, empty or broken is named",
  async (setting) => {
    for (const text of ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]) {
      await writeFile(settings[setting], text);
      await expect(read()).rejects.toThrow(`${setting}: ${settings[setting]} is not what it should be, in PEM`);
    }
    await rm(settings[setting]);
    await expect(read()).rejects.toThrow(`${setting}: ${settings[setting]} cannot be read (ENOENT)`);
  },
);

test("another certificate's key is refused", async () => {
  const other = await certificates.issue("policy");
  settings = { ...settings, GRPC_TLS_KEY_FILE: other.GRPC_TLS_KEY_FILE };
  await expect(read()).rejects.toThrow("GRPC_TLS_KEY_FILE: ");
  await expect(read()).rejects.toThrow("is not the key of the certificate");
});

test("a certificate is refused before its time and after it", async () => {
  await expect(read(Date.now() + DAY_MS - 60_000)).resolves.toBeDefined();
  await expect(read(Date.now() + DAY_MS + 60_000)).rejects.toThrow(/GRPC_TLS_CERT_FILE: .*cert\.pem expired on /);
  await expect(read(Date.now() - DAY_MS)).rejects.toThrow(/cert\.pem is valid from .* on/);
});

test("a certificate of an authority that is not believed is refused, also when both have one name", async () => {
  await using others = await createTestCertificates();
  await writeFile(settings.GRPC_TLS_CA_FILE, others.authority.certificate);
  await expect(read()).rejects.toThrow("was signed by no authority of GRPC_TLS_CA_FILE");
  await writeFile(settings.GRPC_TLS_CA_FILE, others.authority.certificate + certificates.authority.certificate);
  await expect(read()).resolves.toBeDefined();
});

test.each(["stream.sluice", "*.sluice", "auth.sluice.example"])(
  "a certificate for %s is not auth's",
  async (dnsName) => {
    await certificates.issue("auth", { dnsName });
    await expect(read()).rejects.toThrow(`is not for auth.sluice, but for DNS:${dnsName}`);
  },
);
