import {
  InterceptingCall,
  type Interceptor,
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptor,
  status,
} from "@grpc/grpc-js";
import type { Span, Tracer, Trust } from "#shared/trace/tracer.ts";
import { TRACE, traceIn } from "./call-metadata.ts";
import type { GrpcSecurity } from "./grpc-security.ts";

/** What gateways call: they pass on what their own clients send. All else is called by services of ours. */
const FOR_GATEWAYS = /^\/envoy\./;

/** Statuses with which a call has failed because of its server (semantic conventions of RPC). */
const FAULTS = [
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.UNIMPLEMENTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
];

/** Adds to a service's gRPC that its calls, and the answers of its own server, are spans of the traces that they are made for. */
export function traceGrpc(security: GrpcSecurity, tracer: Tracer): GrpcSecurity {
  if (!tracer.isOn) return security;
  return {
    serverCredentials: security.serverCredentials,
    interceptors: (callers) => [...security.interceptors(callers), traceAnswers(tracer)],
    channelTo: (serverName) => {
      const { credentials, options } = security.channelTo(serverName);
      return { credentials, options: { ...options, interceptors: [traceCalls(tracer)] } };
    },
    [Symbol.dispose]: () => security[Symbol.dispose](),
  };
}

function traceCalls(tracer: Tracer): Interceptor {
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start(metadata, _listener, next) {
        const span = beginSpan(tracer, "client", options.method_definition.path, metadata, "inside");
        next(metadata, {
          onReceiveStatus(answered, pass) {
            endSpan(span, answered.code, answered.code !== status.OK);
            pass(answered);
          },
        });
      },
    });
}

function traceAnswers(tracer: Tracer): ServerInterceptor {
  return ({ path }, call) => {
    let span: Span | undefined;
    const end = (code: status): void => {
      if (span !== undefined) endSpan(span, code, FAULTS.includes(code));
      span = undefined;
    };
    return new ServerInterceptingCall(call, {
      start(next) {
        next({
          onReceiveMetadata(metadata, pass) {
            // Lines about the call name this span then.
            span = beginSpan(tracer, "server", path, metadata, FOR_GATEWAYS.test(path) ? "producer" : "inside");
            pass(metadata);
          },
          // It comes behind the end of each call, too.
          onCancel: () => end(status.CANCELLED),
        });
      },
      sendStatus(answered, next) {
        end(answered.code ?? status.UNKNOWN);
        next(answered);
      },
    });
  };
}

/** Begins a span under the trace of the metadata, which carry this span from then on. */
function beginSpan(tracer: Tracer, kind: "client" | "server", path: string, metadata: Metadata, trust: Trust): Span {
  const parent = traceIn(metadata);
  const method = path.slice(1);
  const attributes = { "rpc.system.name": "grpc", "rpc.method": method };
  const span = tracer.begin(method, { kind, parent, trust, attributes });
  if (span.traceparent !== undefined) metadata.set(TRACE, span.traceparent);
  return span;
}

function endSpan(span: Span, code: status, isFault: boolean): void {
  const name = status[code];
  span.set({ "rpc.response.status_code": name });
  span.end(isFault ? name : undefined);
}
