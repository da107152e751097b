import {
  type handleUnaryCall,
  Server,
  type ServerUnaryCall,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { httpStatusOf } from "#shared/protocol/problem-codes.ts";
import { decodeContext, traceIn } from "./call-metadata.ts";
import { ownWords } from "./own-words.ts";
import { type AppError, toAppError } from "#shared/errors/app-error.ts";
import type { ListenAddress } from "#shared/http/listen.ts";
import { SocketBudget } from "#shared/http/socket-budget.ts";
import { GRPC_LIMITS } from "#shared/http/socket-limits.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import { serverChannelOptions } from "./channel-options.ts";
import type { MethodCallers } from "./check-caller.ts";
import { GrpcConnections } from "./grpc-connections.ts";
import { Health } from "./health.ts";
import { type GrpcSecurity, plaintext } from "./grpc-security.ts";
import { createReflection } from "./reflection.ts";

/** A service's definition, its implementation, and the callers of its methods: nobody by default. */
export type GrpcService = readonly [ServiceDefinition, UntypedServiceImplementation, MethodCallers?];

/** A running gRPC server with the standard health service. Disposing lets running calls finish for up to 5 s. */
export interface GrpcServer extends AsyncDisposable {
  readonly port: number;
  /** Sets what health checks answer: whether to send work here. */
  setServing(serving: boolean): void;
}

/**
 * Serves gRPC services, their health and their reflection. Over mutual TLS each method is for its callers alone. `sockets`
 * says how many connections it takes.
 * @throws {BootError} when the port is taken.
 */
export async function startGrpcServer(
  address: ListenAddress,
  services: readonly GrpcService[],
  security: GrpcSecurity = plaintext,
  sockets = new SocketBudget(GRPC_LIMITS),
): Promise<GrpcServer> {
  const connections = new GrpcConnections(sockets);
  const callers = security.interceptors(new Map(services.flatMap(callersByPath)));
  const server = new Server({ ...serverChannelOptions, interceptors: [...callers, connections.followCalls()] });
  const health = new Health();
  const told = [health.service(), ...services];
  const reflection = await createReflection(told.map(([definition]) => nameOf(definition)));
  for (const [definition, implementation] of [...told, ...reflection]) {
    server.addService(definition, implementation);
  }
  const port = await connections.listen(server, address, security.serverCredentials);
  return {
    port,
    setServing: (serving) => health.setServing(serving),
    async [Symbol.asyncDispose]() {
      health.setServing(false);
      connections.close();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => server.forceShutdown(), 5_000);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      });
      connections[Symbol.dispose]();
    },
  };
}

/**
 * Makes a unary handler from an async function of the request and the trace that the call belongs to: an AppError becomes its gRPC status, anything else INTERNAL. A call that
 * fails because of us is logged, with the requests that it was made for.
 */
export function unaryHandler<Request, Response>(
  log: LimitedLog,
  answer: (request: Request, traceparent: string | undefined) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    answer(call.request, traceIn(call.metadata)).then(
      (response) => callback(null, response),
      (thrown: unknown) => {
        const error = toAppError(thrown);
        logFailure(log, error, call);
        callback({ code: statusOf(error), details: error.message, metadata: ownWords() });
      },
    );
  };
}

/** What the caller has got wrong, or asked in vain, is logged by the one whose request that was. */
function logFailure(
  log: LimitedLog,
  error: AppError,
  call: Pick<ServerUnaryCall<unknown, unknown>, "metadata" | "getPath">,
): void {
  const facts = { ...decodeContext(call.metadata), rpc: call.getPath() };
  if (error.code === "internal") {
    log.write("error", "failed", { ...facts, err: error.cause }, "a call failed in an unexpected way");
  } else if (error.code === "unavailable") {
    log.write("info", "unavailable", { ...facts, detail: error.message }, "a call cannot be answered right now");
  }
}

function statusOf(error: AppError): status {
  // It does not depend on the caller, which PERMISSION_DENIED would mean.
  if (error.code === "tenant_suspended") return status.FAILED_PRECONDITION;
  switch (httpStatusOf[error.code]) {
    case 400:
    case 413:
    case 415:
    case 422:
    case 426:
    case 406:
      return status.INVALID_ARGUMENT;
    case 401:
      return status.UNAUTHENTICATED;
    case 403:
      return status.PERMISSION_DENIED;
    case 404:
    case 405:
    case 421:
      return status.NOT_FOUND;
    case 409:
    case 412:
      return status.FAILED_PRECONDITION;
    case 429:
    case 431:
      return status.RESOURCE_EXHAUSTED;
    case 503:
      return status.UNAVAILABLE;
    case 500:
      return status.INTERNAL;
  }
}

/** `package.Service`, from the path of a method: `/package.Service/Method`. */
function nameOf(definition: ServiceDefinition): string {
  return Object.values(definition)[0]?.path.split("/")[1] ?? "";
}

function callersByPath([definition, , callers = {}]: GrpcService): [path: string, names: readonly string[]][] {
  return Object.entries(definition).map(([method, { path }]) => [path, callers[method] ?? []]);
}
