import type { Registered } from "../access/apply-control.ts";
import type { Registration } from "../access/registration.ts";
import type { Reader } from "./reader.ts";
import type { Tenant } from "./tenant.ts";

/** A tenant's log stays open this long after its last listener left: most of them come right back. */
const LINGER_MS = 30_000;

/** A tenant whose log is being read. */
export interface OpenTenant extends AsyncDisposable {
  readonly tenant: Tenant;
}

/** An open stream. */
export interface Stream {
  readonly tenant: Tenant;
  readonly reader: Reader;
}

interface Retained {
  readonly opening: Promise<OpenTenant>;
  /** Undefined while it is being opened. */
  tenant: Tenant | undefined;
  /** Registrations, and those that are being made. */
  registered: number;
  linger: NodeJS.Timeout | undefined;
}

/** All that this edge serves: tenants with listeners, and their readers. */
export class Hub implements AsyncDisposable {
  readonly #open: (tenant: string) => Promise<OpenTenant>;
  readonly #tenants = new Map<string, Retained>();
  readonly #registered = new Map<Registration, Tenant>();
  readonly #streams = new Map<string, Stream>();
  #changes = 0;

  constructor(open: (tenant: string) => Promise<OpenTenant>) {
    this.#open = open;
  }

  /** The open streams. */
  streams(): Iterable<Stream> {
    return this.#streams.values();
  }

  /** All registrations, also of streams that are being opened. */
  *registered(): Iterable<Registered> {
    for (const [registration, tenant] of this.#registered) yield { registration, tenant };
  }

  /** The open stream with that connection id. */
  find(id: string): Stream | undefined {
    return this.#streams.get(id);
  }

  get size(): number {
    return this.#streams.size;
  }

  /** How many streams have come and gone: while it stays the same, they are the same. */
  get changes(): number {
    return this.#changes;
  }

  /** How many tenants' logs are read here, or are being opened. */
  get feeds(): number {
    return this.#tenants.size;
  }

  /** A tenant that this edge serves. */
  tenant(id: string): Tenant | undefined {
    return this.#tenants.get(id)?.tenant;
  }

  /** The tenants whose log is read. */
  *tenants(): Iterable<Tenant> {
    for (const { tenant } of this.#tenants.values()) if (tenant !== undefined) yield tenant;
  }

  /**
   * Registers a connection with its tenant, and opens the tenant's log for the first one.
   * @throws {AppError} `tenant_unknown` or `unavailable`.
   */
  async register(registration: Registration): Promise<Tenant> {
    const retained = this.#retain(registration.identity.tenant);
    try {
      const { tenant } = await retained.opening;
      retained.tenant = tenant;
      tenant.registrations.add(registration);
      this.#registered.set(registration, tenant);
      return tenant;
    } catch (error) {
      this.#release(registration.identity.tenant, retained);
      throw error;
    }
  }

  /** Takes back what `register` did. */
  unregister(tenant: Tenant, registration: Registration): void {
    this.#registered.delete(registration);
    if (!tenant.registrations.delete(registration)) return;
    const retained = this.#tenants.get(tenant.id);
    if (retained !== undefined) this.#release(tenant.id, retained);
  }

  /** Adds a registration's reader. */
  attach(tenant: Tenant, reader: Reader): Stream {
    const stream = { tenant, reader };
    reader.registration.stream = reader;
    this.#streams.set(reader.ids.connectionId, stream);
    this.#changes += 1;
    tenant.streams += 1;
    return stream;
  }

  /** Removes a stream that is over, and its present registration. */
  detach({ tenant, reader }: Stream): void {
    this.#streams.delete(reader.ids.connectionId);
    this.#changes += 1;
    tenant.streams -= 1;
    this.unregister(tenant, reader.registration);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const retained = [...this.#tenants.values()];
    this.#tenants.clear();
    await Promise.all(retained.map((tenant) => close(tenant)));
  }

  #retain(id: string): Retained {
    const retained = this.#tenants.get(id) ?? {
      opening: this.#open(id),
      tenant: undefined,
      registered: 0,
      linger: undefined,
    };
    this.#tenants.set(id, retained);
    clearTimeout(retained.linger);
    retained.linger = undefined;
    retained.registered += 1;
    return retained;
  }

  #release(id: string, retained: Retained): void {
    retained.registered -= 1;
    if (retained.registered > 0) return;
    retained.linger = setTimeout(() => this.#drop(id, retained), LINGER_MS);
    // A log that could not be opened must not be remembered: the tenant may be made the next moment.
    retained.opening.catch(() => this.#drop(id, retained));
  }

  #drop(id: string, retained: Retained): void {
    if (retained.registered > 0) return;
    if (this.#tenants.get(id) === retained) this.#tenants.delete(id);
    void close(retained);
  }
}

async function close({ opening, linger }: Retained): Promise<void> {
  clearTimeout(linger);
  const open = await opening.catch(() => undefined);
  await open?.[Symbol.asyncDispose]();
}
