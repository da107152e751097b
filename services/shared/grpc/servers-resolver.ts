import { experimental } from "@grpc/grpc-js";
import { SERVERS_SCHEME } from "./grpc-address.ts";

type Uri = experimental.GrpcUri;
type Listener = experimental.ResolverListener;
type Found = Parameters<Listener>[0];
type Options = Parameters<typeof experimental.createResolver>[2];

/** Has channels understand targets of several addresses. It may be called again. */
export function followServers(): void {
  experimental.registerResolver(SERVERS_SCHEME, ServersResolver);
}

/** Finds the servers of all addresses. One whose name leads nowhere leaves out its own servers only. */
class ServersResolver implements experimental.Resolver {
  readonly #listener: Listener;
  readonly #resolvers: readonly experimental.Resolver[];
  readonly #found: (Found | undefined)[];

  static getDefaultAuthority({ path }: Uri): string {
    return path.split(",")[0] ?? path;
  }

  constructor({ path }: Uri, listener: Listener, options: Options) {
    const addresses = path.split(",");
    this.#listener = listener;
    this.#found = addresses.map(() => undefined);
    this.#resolvers = addresses.map((address, index) =>
      experimental.createResolver({ scheme: "dns", path: address }, (found) => this.#note(index, found), options),
    );
  }

  updateResolution(): void {
    for (const resolver of this.#resolvers) resolver.updateResolution();
  }

  destroy(): void {
    for (const resolver of this.#resolvers) resolver.destroy();
    this.#found.fill(undefined);
  }

  /** Those that are known are used at once: a name may take long, and the others are there. */
  #note(index: number, found: Found): boolean {
    this.#found[index] = found;
    const endpoints = this.#found.flatMap((each) => (each?.ok === true ? each.value : []));
    if (endpoints.length > 0) return this.#listener(experimental.statusOrFromValue(endpoints), {}, null, "");
    return this.#found.includes(undefined) || this.#listener(found, {}, null, "");
  }
}
