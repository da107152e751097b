import type { experimental } from "@grpc/grpc-js";
import type { Logger } from "#shared/log/create-logger.ts";
import type { TlsFiles, TlsMaterial } from "#shared/tls/tls-material.ts";
import { watchTlsFiles } from "#shared/tls/watch-tls-files.ts";

type CaListener = Parameters<experimental.CertificateProvider["addCaCertificateListener"]>[0];
type IdentityListener = Parameters<experimental.CertificateProvider["addIdentityCertificateListener"]>[0];

/** Gives grpc-js the files' content, and again after each change. New connections use it; open ones stay. */
export class WatchedTls implements experimental.CertificateProvider, Disposable {
  readonly #watch: Disposable;
  readonly #caListeners = new Set<CaListener>();
  readonly #identityListeners = new Set<IdentityListener>();
  #material: TlsMaterial;

  constructor(files: TlsFiles, name: string, material: TlsMaterial, log: Logger) {
    this.#material = material;
    const onChange = (fresh: TlsMaterial): void => this.#replace(fresh);
    this.#watch = watchTlsFiles({ files, name, material, onChange, of: "gRPC", log });
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#caListeners.add(listener);
    process.nextTick(() => this.#notifyCa(listener));
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#caListeners.delete(listener);
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.add(listener);
    process.nextTick(() => this.#notifyIdentity(listener));
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.delete(listener);
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }

  #replace(fresh: TlsMaterial): void {
    this.#material = fresh;
    for (const listener of this.#caListeners) this.#notifyCa(listener);
    for (const listener of this.#identityListeners) this.#notifyIdentity(listener);
  }

  #notifyCa(listener: CaListener): void {
    listener({ caCertificate: this.#material.authorities });
  }

  #notifyIdentity(listener: IdentityListener): void {
    listener({ certificate: this.#material.certificate, privateKey: this.#material.privateKey });
  }
}
