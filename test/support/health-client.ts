import { HealthClient } from "#proto/grpc/health/v1/health.ts";
import type { GrpcChannel } from "#shared/grpc/grpc-security.ts";

/** Makes a client of a server's health service, over a connection of its own. */
export function createHealthClient(port: number, { credentials, options }: GrpcChannel): HealthClient {
  return new HealthClient(`127.0.0.1:${port}`, credentials, { ...options, "grpc.use_local_subchannel_pool": 1 });
}
