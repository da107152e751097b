import { DecisionServiceClient, type Residual } from "#proto/policy/v1/decision.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import type { GrpcChannel } from "#shared/grpc/grpc-security.ts";
import { shareContexts } from "#shared/async/call-context.ts";
import { CircuitBreaker } from "#shared/async/circuit-breaker.ts";
import { systemClock } from "#shared/time/clock.ts";
import type { CheckPermission } from "../http/session-routes.ts";

/** What policy says of a tenant in which nobody may do anything. */
const NO_TENANT: ReadonlySet<string> = new Set(["tenant_unknown", "tenant_suspended"]);

const CALL = { timeoutMs: 3_000 };

/** Asks policy over gRPC whether a caller holds a permission without any condition. Disposing closes the channel. */
export function createPermissionCheck(
  address: string,
  channel: GrpcChannel,
): Disposable & { readonly check: CheckPermission } {
  const client = new DecisionServiceClient(address, channel.credentials, channel.options);
  const breaker = new CircuitBreaker(() => systemClock.monotonic());
  const check: CheckPermission = async ({ tenant, ...subject }, permission, context) => {
    const call = { ...CALL, breaker, shared: shareContexts([context]) };
    try {
      // Without `at_least` policy reads its store anew: a permission taken away a moment ago is gone.
      const subjects = [{ ...subject, roles: [...subject.roles], groups: [...subject.groups] }];
      const resolved = await callUnary(client.resolve.bind(client), { tenant, subjects, atLeast: undefined }, call);
      const grants = resolved.grants.map(({ id }) => id);
      const question = { tenant, grants, permissions: [permission], atLeast: resolved.version };
      const { residuals } = await callUnary(client.decide.bind(client), question, call);
      const [residual] = residuals;
      return residual !== undefined && isPlainYes(residual);
    } catch (error) {
      if (error instanceof AppError && NO_TENANT.has(error.code)) return false;
      throw error;
    }
  };
  return { check, [Symbol.dispose]: () => client.close() };
}

function isPlainYes({ allow, deny, denyWhen }: Residual): boolean {
  return allow.includes(">") && deny.length + denyWhen.length === 0;
}
