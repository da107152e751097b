/** The ports that strangers reach: those of HTTP, with TLS or without, together; and that of gRPC. */
export type PublicPort = "http" | "grpc";

/** How many connections a port takes. */
export interface SocketLimits {
  /** Those of one address (of IPv6: of one /64) that ask for nothing whole. */
  readonly waitingOfOne: number;
  /** Those of all addresses that ask for nothing whole. */
  readonly waiting: number;
  /** All of them. */
  readonly open: number;
}

/**
 * Descriptors that no port for the public gets: for the operations port, the files that a service reads, and its connections
 * to NATS, Redis and other services, which must come back in the middle of a flood.
 */
const RESERVE = 192;

/** What the gRPC port gets where there is one: each worker of an edge and each thread of a gateway keeps a connection. */
const GRPC = 4_096;

/** Half a request takes up to 96 KB: so many of them take 50 MB. */
const MAX_WAITING = 512;

/** The limits of an operations port, which are part of the reserve: some probes, some scrapers, somebody with curl. */
export const OPS_LIMITS: SocketLimits = { waitingOfOne: 16, waiting: 32, open: 48 };

/** The limits of a gRPC port whose process has descriptors enough. */
export const GRPC_LIMITS: SocketLimits = limitsWithin(GRPC);

/** Divides what a process may open among its ports; where nothing says how much that is, only what waits is limited. */
export function socketLimitsOf<Port extends PublicPort>(
  descriptors: number | undefined,
  ports: readonly Port[],
): Readonly<Record<Port, SocketLimits>> {
  const all = descriptors ?? Number.POSITIVE_INFINITY;
  const rest = all - Math.min(RESERVE, all / 2);
  const grpc = ports.some((port) => port === "grpc") ? Math.min(GRPC, rest / 4) : 0;
  const shares: Record<PublicPort, number> = { http: rest - grpc, grpc };
  const limits = ports.map((port) => [port, limitsWithin(Math.floor(shares[port]))] as const);
  return Object.fromEntries(limits) as Record<Port, SocketLimits>;
}

function limitsWithin(open: number): SocketLimits {
  const waiting = Math.min(MAX_WAITING, Math.floor(open / 2));
  return { waitingOfOne: Math.ceil(waiting / 4), waiting, open };
}
