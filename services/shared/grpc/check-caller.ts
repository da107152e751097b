import { X509Certificate } from "node:crypto";
import { type ServerInterceptor, ServerInterceptingCall, status } from "@grpc/grpc-js";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import { isNamed, namesOf } from "#shared/tls/tls-material.ts";

/** The callers of each method of a service: the caller's certificate must be for one of these DNS names. */
export type MethodCallers<Method extends string = string> = Readonly<Record<Method, readonly string[]>>;

/** The callers of methods by the methods' paths. Nobody may call a method that is missing. */
export type CallersByPath = ReadonlyMap<string, readonly string[]>;

/** Open to everybody with a certificate of ours: health and reflection reveal nothing about anyone. */
const OPEN = /^\/grpc\.(health\.v1|reflection\.v1(alpha)?)\./;

/** Refuses calls of other callers, before any message is read. */
export function checkCaller(callers: CallersByPath, log: LimitedLog): ServerInterceptor {
  return ({ path }, call) => {
    const refusal = refuse(path, call.getAuthContext().sslPeerCertificate?.raw, callers);
    if (refusal !== undefined)
      log.write("warn", "caller", { rpc: path, reason: refusal.details }, "a caller was refused");
    return new ServerInterceptingCall(call, {
      start: (next) => {
        if (refusal === undefined) next();
        else call.sendStatus(refusal);
      },
    });
  };
}

function refuse(path: string, raw: Buffer | undefined, callers: CallersByPath) {
  // TLS lets nobody in without a certificate; should it ever, this does not.
  if (raw === undefined) return { code: status.UNAUTHENTICATED, details: "a certificate is needed" };
  if (OPEN.test(path)) return undefined;
  const certificate = new X509Certificate(raw);
  if (callers.get(path)?.some((name) => isNamed(certificate, name))) return undefined;
  return { code: status.PERMISSION_DENIED, details: `this is not for ${namesOf(certificate)}` };
}
