import { RenewalPurpose, SessionServiceClient } from "#proto/auth/v1/session.ts";
import { singleFlight } from "#shared/async/single-flight.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import type { GrpcChannel } from "#shared/grpc/grpc-security.ts";
import type { RenewAccess, RenewedAccess } from "#shared/tokens/verify-or-renew.ts";
import { CircuitBreaker } from "#shared/async/circuit-breaker.ts";
import { systemClock } from "#shared/time/clock.ts";

/** Below the second that gateways usually wait for an answer. */
const CALL = { timeoutMs: 800 };

/** Has auth renew access tokens, over gRPC: requests that come together with one refresh token make one call. Disposing closes the channel. */
export function createAccessRenewal(
  address: string,
  channel: GrpcChannel,
): { readonly renew: RenewAccess } & Disposable {
  const client = new SessionServiceClient(address, channel.credentials, channel.options);
  const once = singleFlight<RenewedAccess | undefined>();
  const call = { ...CALL, breaker: new CircuitBreaker(() => systemClock.monotonic()) };
  const ask = async (refreshToken: string): Promise<RenewedAccess | undefined> => {
    const request = { refreshTokens: [refreshToken], purpose: RenewalPurpose.REQUESTS };
    const [answer] = (await callUnary(client.renewAccess.bind(client), request, call)).answers;
    if (answer?.isReused === true) {
      throw new AppError("token_reused", "the refresh token was used before; the session has ended");
    }
    if (answer?.isUnavailable === true) {
      throw new AppError("unavailable", "auth cannot record the end of the session right now");
    }
    return answer === undefined || answer.accessToken === "" ? undefined : answer;
  };
  return {
    renew: (refreshToken) => once(refreshToken, () => ask(refreshToken)),
    [Symbol.dispose]: () => client.close(),
  };
}
