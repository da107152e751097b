import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createAuthority,
  createIdentity,
  filesOf,
  type Identity,
} from "../../scripts/certificates/make-certificates.ts";

/** What to change of a service's certificate. */
export interface IdentityOptions {
  readonly authority?: Identity;
  /** The PEM of the authorities that the service believes; its own by default. */
  readonly trusted?: string;
  /** The DNS name in the certificate; `<service>.sluice` by default. */
  readonly dnsName?: string;
  /** When it is made; it is valid from an hour before, for a day. */
  readonly now?: Date;
}

/** A folder of certificates from an authority of its own. */
export interface TestCertificates extends AsyncDisposable {
  readonly authority: Identity;
  /** Writes certificate and key of a service, over those that it had, and answers the settings that name them. */
  issue(service: string, options?: IdentityOptions): Promise<TlsEnvironment>;
}

/** The settings of a service with TLS. */
export interface TlsEnvironment {
  readonly GRPC_TLS_CERT_FILE: string;
  readonly GRPC_TLS_KEY_FILE: string;
  readonly GRPC_TLS_CA_FILE: string;
}

/** Makes an authority and a folder for what it signs. */
export async function createTestCertificates(): Promise<TestCertificates> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-tls-"));
  const authority = await createAuthority(new Date());
  return {
    authority,
    async issue(service, { now = new Date(), dnsName = `${service}.sluice`, ...options } = {}) {
      const signer = options.authority ?? authority;
      const files = filesOf(await createIdentity(dnsName, signer, now, 1));
      const path = (name: string): string => join(folder, service, name);
      await mkdir(join(folder, service), { recursive: true });
      for (const [name, text] of Object.entries({ ...files, "ca.pem": options.trusted ?? signer.certificate }))
        await writeFile(path(name), text);
      return {
        GRPC_TLS_CERT_FILE: path("cert.pem"),
        GRPC_TLS_KEY_FILE: path("key.pem"),
        GRPC_TLS_CA_FILE: path("ca.pem"),
      };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
