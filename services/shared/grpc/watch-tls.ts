import type { experimental } from "@grpc/grpc-js";
import type { Logger } from "#shared/log/create-logger.ts";
import { readTlsMaterial, type TlsFiles, type TlsMaterial } from "./tls-material.ts";

type CaListener = Parameters<experimental.CertificateProvider["addCaCertificateListener"]>[0];
type IdentityListener = Parameters<experimental.CertificateProvider["addIdentityCertificateListener"]>[0];

/** How often the files are looked at: they are small, and a look costs less than missing one replaced by a link. */
const LOOK_EVERY_MS = 1_000;

/**
 * Gives grpc-js what stands in the files, and again when it has changed. New connections use it; those that are open stay.
 * Files that do not belong together, as they may while one is replaced after the other, change nothing: what was good
 * before stays in use, and the fault is logged once.
 */
export class WatchedTls implements experimental.CertificateProvider, Disposable {
  readonly #files: TlsFiles;
  readonly #name: string;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  readonly #caListeners = new Set<CaListener>();
  readonly #identityListeners = new Set<IdentityListener>();
  #material: TlsMaterial;
  #fault = "";

  constructor(files: TlsFiles, name: string, material: TlsMaterial, log: Logger) {
    this.#files = files;
    this.#name = name;
    this.#material = material;
    this.#log = log;
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS).unref();
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#caListeners.add(listener);
    process.nextTick(() => this.#tellCa(listener));
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#caListeners.delete(listener);
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.add(listener);
    process.nextTick(() => this.#tellIdentity(listener));
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.delete(listener);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    try {
      const fresh = await readTlsMaterial(this.#files, this.#name);
      this.#fault = "";
      if (isSame(fresh, this.#material)) return;
      this.#material = fresh;
      for (const listener of this.#caListeners) this.#tellCa(listener);
      for (const listener of this.#identityListeners) this.#tellIdentity(listener);
      this.#log.info("the certificate for gRPC was replaced");
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#fault) this.#log.warn({ fault: message }, "the certificate for gRPC cannot be replaced");
      this.#fault = message;
    }
  }

  #tellCa(listener: CaListener): void {
    listener({ caCertificate: this.#material.authorities });
  }

  #tellIdentity(listener: IdentityListener): void {
    listener({ certificate: this.#material.certificate, privateKey: this.#material.privateKey });
  }
}

function isSame(one: TlsMaterial, other: TlsMaterial): boolean {
  const parts = ["certificate", "privateKey", "authorities"] as const;
  return parts.every((part) => one[part].equals(other[part]));
}
