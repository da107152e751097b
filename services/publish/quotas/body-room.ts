import { AppError } from "#shared/errors/app-error.ts";

/** No tenant may hold more than this part of the room. */
const TENANT_SHARE = 4;

/**
 * Bounds the bodies that are in memory at a time: each is charged before it is read, and a tenant has a quarter of the room, so
 * that one that sends slowly keeps nobody else waiting.
 */
export class BodyRoom {
  readonly #maxBytes: number;
  readonly #byTenant = new Map<string, number>();
  #taken = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** How many bytes are taken. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * Takes room for a body; dispose it once the request is answered.
   * @throws {AppError} `unavailable` where there is none.
   */
  take(tenant: string, bytes: number): Disposable {
    const ofTenant = this.#byTenant.get(tenant) ?? 0;
    if (this.#taken + bytes > this.#maxBytes || ofTenant + bytes > this.#maxBytes / TENANT_SHARE) {
      throw new AppError("unavailable", "too many events are on their way; try again");
    }
    this.#add(tenant, bytes);
    return { [Symbol.dispose]: () => this.#add(tenant, -bytes) };
  }

  #add(tenant: string, bytes: number): void {
    this.#taken += bytes;
    const ofTenant = (this.#byTenant.get(tenant) ?? 0) + bytes;
    if (ofTenant === 0) this.#byTenant.delete(tenant);
    else this.#byTenant.set(tenant, ofTenant);
  }
}
