import { SessionServiceClient } from "#proto/auth/v1/session.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import type { GrpcChannel } from "#shared/grpc/grpc-security.ts";
import { CircuitBreaker } from "#shared/async/circuit-breaker.ts";
import { systemClock } from "#shared/time/clock.ts";
import type { TenantSessions } from "../tenants/tenant-deps.ts";

const CALL = { timeoutMs: 3_000 };

/** Has auth end and restart the sessions of tenants, over gRPC. Disposing closes the channel. */
export function createTenantSessions(address: string, channel: GrpcChannel): TenantSessions & Disposable {
  const client = new SessionServiceClient(address, channel.credentials, channel.options);
  const call = { ...CALL, breaker: new CircuitBreaker(() => systemClock.monotonic()) };
  return {
    async end(tenant, version) {
      await callUnary(client.endTenant.bind(client), { tenant, version }, call);
    },
    async restart(tenant, version) {
      await callUnary(client.restartTenant.bind(client), { tenant, version }, call);
    },
    [Symbol.dispose]: () => client.close(),
  };
}
