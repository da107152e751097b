import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeCertificates } from "./make-certificates.ts";

const NOW = new Date();
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-certificates-"));
});

afterEach(() => rm(folder, { recursive: true }));

function read(...path: string[]): Promise<string> {
  return readFile(join(folder, ...path), "utf8");
}

async function certificate(service: string): Promise<X509Certificate> {
  return new X509Certificate(await read(service, "cert.pem"));
}

function inDays(days: number): Date {
  return new Date(NOW.getTime() + days * 86_400_000);
}

test("each service gets a certificate for its name, signed by the authority, for both ends of a connection", async () => {
  expect(await makeCertificates(folder, NOW)).toEqual(["ca", "auth", "policy", "publish", "stream", "gateway"]);
  const authority = await certificate("ca");
  expect(authority.ca).toBe(true);
  expect(authority.verify(authority.publicKey)).toBe(true);
  for (const service of ["auth", "policy", "publish", "stream", "gateway"]) {
    const leaf = await certificate(service);
    expect(leaf.ca).toBe(false);
    expect(leaf.subjectAltName).toBe(`DNS:${service}.sluice`);
    expect(leaf.checkHost(`${service}.sluice`)).toBe(`${service}.sluice`);
    expect(leaf.checkIssued(authority) && leaf.verify(authority.publicKey)).toBe(true);
    expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    expect(Math.abs(leaf.validToDate.getTime() - inDays(365).getTime())).toBeLessThan(1_000);
    expect(await read(service, "ca.pem")).toBe(await read("ca", "cert.pem"));
  }
});

test("two of them greet each other over TLS", async () => {
  await makeCertificates(folder, NOW);
  const files = async (service: string) => ({
    cert: await read(service, "cert.pem"),
    key: await read(service, "key.pem"),
    ca: await read(service, "ca.pem"),
  });
  const server = createServer({ ...(await files("auth")), requestCert: true }).listen(0, "127.0.0.1");
  const greeted = once(server, "secureConnection") as Promise<[TLSSocket]>;
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: "127.0.0.1", servername: "auth.sluice", ...(await files("stream")) });
  const [[caller]] = await Promise.all([greeted, once(client, "secureConnect")]);
  expect(caller.authorized && client.authorized).toBe(true);
  expect(caller.getPeerCertificate().subjectaltname).toBe("DNS:stream.sluice");
  client.destroy();
  server.close();
});

test("keys are for their owner's eyes", async () => {
  await makeCertificates(folder, NOW);
  for (const service of ["ca", "auth"]) {
    expect((await stat(join(folder, service, "key.pem"))).mode & 0o777).toBe(0o600);
  }
});

test("what is valid stays; what is missing, broken, foreign or about to expire is made anew", async () => {
  await makeCertificates(folder, NOW);
  const before = await read("stream", "cert.pem");
  expect(await makeCertificates(folder, inDays(334))).toEqual([]);
  await writeFile(join(folder, "auth", "cert.pem"), "-----BEGIN CERTIFICATE-----\nbroken");
  await writeFile(join(folder, "policy", "key.pem"), await read("auth", "key.pem"));
  expect(await makeCertificates(folder, NOW)).toEqual(["auth", "policy"]);
  await rm(join(folder, "auth", "key.pem"));
  await writeFile(join(folder, "policy", "ca.pem"), await read("stream", "cert.pem"));
  expect(await makeCertificates(folder, NOW)).toEqual(["auth", "policy"]);
  expect(await read("stream", "cert.pem")).toBe(before);
  expect(await makeCertificates(folder, inDays(336))).toEqual(["auth", "policy", "publish", "stream", "gateway"]);
});

test("an authority that would not outlive what it signs is replaced, with everything it signed", async () => {
  await makeCertificates(folder, NOW);
  expect(await makeCertificates(folder, inDays(3_286))).toEqual([
    "ca",
    "auth",
    "policy",
    "publish",
    "stream",
    "gateway",
  ]);
});

test("a certificate that ends behind 2049, from where on dates are written in another way, ends on its day", async () => {
  await makeCertificates(folder, new Date("2045-01-01"));
  expect((await certificate("ca")).validToDate).toEqual(new Date("2054-12-30"));
});
