import { experimental, Metadata, status } from "@grpc/grpc-js";

const SCHEME = "list";

type Resolver = experimental.Resolver;
type Listener = experimental.ResolverListener;
type Endpoints = Parameters<Listener>[0];
type ChannelOptions = Parameters<typeof experimental.createResolver>[2];

/** What a client of gRPC calls the servers at these addresses, `host:port` each. */
export function targetOf(addresses: readonly string[]): string {
  return addresses.length === 1 ? (addresses[0] ?? "") : `${SCHEME}:${addresses.join(",")}`;
}

/** Has clients of gRPC understand a target with several addresses. Safe to repeat. */
export function knowAddressLists(): void {
  experimental.registerResolver(SCHEME, AddressList);
}

/**
 * Several addresses as one server: each is looked up as if it stood alone, and calls go to those that answer. The library itself knows
 * lists of IP addresses only.
 */
class AddressList implements Resolver {
  readonly #listener: Listener;
  readonly #found = new Map<string, Endpoints>();
  readonly #resolvers: readonly Resolver[];

  constructor(target: experimental.GrpcUri, listener: Listener, options: ChannelOptions) {
    this.#listener = listener;
    const addresses = target.path.split(",");
    this.#resolvers = addresses.map((path) => {
      const take: Listener = (endpoints) => this.#take(path, endpoints, addresses.length);
      return experimental.createResolver({ scheme: "dns", path }, take, options);
    });
  }

  updateResolution(): void {
    for (const resolver of this.#resolvers) resolver.updateResolution();
  }

  destroy(): void {
    this.#found.clear();
    for (const resolver of this.#resolvers) resolver.destroy();
  }

  static getDefaultAuthority({ path }: experimental.GrpcUri): string {
    return path.split(",")[0] ?? "";
  }

  /** A name that is not known must not keep the others waiting: it counts once each has its answer. */
  #take(path: string, endpoints: Endpoints, addresses: number): boolean {
    this.#found.set(path, endpoints);
    const known = [...this.#found.values()].flatMap((each) => (each.ok ? each.value : []));
    if (known.length === 0 && this.#found.size < addresses) return true;
    const details = "none of the addresses is known";
    const all: Endpoints =
      known.length > 0
        ? { ok: true, value: known }
        : { ok: false, error: { code: status.UNAVAILABLE, details, metadata: new Metadata() } };
    return this.#listener(all, {}, null, "");
  }
}
